#include "runtime/cache/Records.h"
#include "runtime/cache/Bytes.h"
#include <fmt/format.h>

namespace attn_grid::detail {
namespace {

/// The fields of each record in their order, for a reader or a writer.
template <class Archive> struct Fields {
  Archive &a;

  template <class List> void records(List &list) {
    a.list(list, [this](auto &item) { this->fields(item); });
  }
  void fields(Expr::Node &node) {
    a.enumeration(node.op, Expr::Op::where);
    a.value(node.index);
    a.value(node.i);
    a.value(node.f);
  }
  void fields(Expr &expr) {
    records(expr.nodes);
    a.text(expr.text);
  }
  void fields(TypeRef &type) {
    a.enumeration(type.kind, TypeRef::Kind::acc_of_param);
    a.enumeration(type.dtype, static_cast<DType>(numDTypes - 1));
    a.value(type.param);
  }
  void fields(TypeParam &type) {
    a.text(type.name);
    a.enumeration(type.kind, TypeParam::Class::integer);
    a.flag(type.has_default);
    fields(type.default_type);
  }
  void fields(ConstParam &param) {
    a.text(param.name);
    a.enumeration(param.kind, ConstParam::Kind::boolean);
    fields(param.default_value);
    records(param.candidates);
    a.value(param.extent);
  }
  void fields(Extent &extent) {
    a.text(extent.name);
    a.value(extent.constant);
  }
  void fields(Param &param) {
    a.text(param.name);
    a.flag(param.is_tensor);
    a.flag(param.optional);
    a.enumeration(param.mode, Param::Mode::inout);
    fields(param.type);
    records(param.dims);
    fields(param.fill);
    fields(param.default_value);
  }
  void fields(Signature &signature) {
    a.text(signature.name);
    a.text(signature.doc);
    records(signature.types);
    records(signature.consts);
    records(signature.extents);
    records(signature.params);
    records(signature.where);
    records(signature.grid);
  }
  void fields(Slot &slot) {
    a.enumeration(slot.kind, Slot::Kind::scalar);
    a.value(slot.param);
    a.value(slot.dim);
  }
  /// All but the object, which is the payload.
  void fields(Artifact &artifact) {
    a.text(artifact.symbol);
    records(artifact.slots);
    a.value(artifact.scratch_bytes);
    a.list(artifact.asserts, [&](std::string &text) { a.text(text); });
    a.flag(artifact.flush_subnormals);
    a.value(artifact.compile_ms);
  }
};

} // namespace

std::string variant_key(const Identity &identity, std::string_view variant) {
  return fmt::format("variant {}\nsource {}\ntarget {}\ncompiler {}\n", variant,
                     identity.source, identity.target, identity.compiler);
}

std::string signatures_key(const Identity &identity) {
  return fmt::format("signatures\nsource {}\ncompiler {}\n", identity.source,
                     identity.compiler);
}

Entry encode_variant(std::string key, const Artifact &artifact) {
  ByteWriter writer;
  Artifact copy = artifact;
  Fields<ByteWriter>{writer}.fields(copy);
  return {std::move(key), writer.take(), *artifact.object};
}

std::shared_ptr<Artifact> decode_variant(Entry entry) {
  auto artifact = std::make_shared<Artifact>();
  ByteReader reader(entry.metadata);
  Fields<ByteReader>{reader}.fields(*artifact);
  if (!reader.finished())
    return nullptr;
  artifact->object =
      std::make_shared<const std::string>(std::move(entry.payload));
  return artifact;
}

Entry encode_signatures(std::string key,
                        const std::vector<Signature> &signatures) {
  ByteWriter writer;
  std::vector<Signature> copy = signatures;
  Fields<ByteWriter>{writer}.records(copy);
  return {std::move(key), {}, writer.take()};
}

std::optional<std::vector<Signature>> decode_signatures(const Entry &entry) {
  std::vector<Signature> signatures;
  ByteReader reader(entry.payload);
  Fields<ByteReader>{reader}.records(signatures);
  if (!reader.finished())
    return std::nullopt;
  return signatures;
}

} // namespace attn_grid::detail
