#include "runtime/cache/Records.h"
#include "attn_grid/ahead.hpp"
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
    a.flag(param.is_gpu_hint);
  }
  void fields(Extent &extent) {
    a.text(extent.name);
    a.value(extent.constant);
  }
  void fields(FunctionParam &param) {
    a.text(param.name);
    a.text(param.type);
    a.flag(param.has_default);
    a.text(param.bound);
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
    records(signature.functions);
    records(signature.extents);
    records(signature.params);
    records(signature.where);
    records(signature.grid);
    a.text(signature.variant);
  }
  void fields(ConstValue &value) {
    a.enumeration(value.kind, ConstParam::Kind::boolean);
    a.value(value.i);
    a.value(value.f);
  }
  void fields(Specialization &what) {
    a.text(what.kernel);
    a.list(what.types, [this](auto &type) { this->dtype(type); });
    records(what.consts);
    flags(what.present);
    a.list(what.last_stride, [this](auto &stride) { a.value(stride); });
    flags(what.regular);
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
    a.value(artifact.block_threads);
    a.value(artifact.shared_bytes);
    records(artifact.boxes);
    for (const TensorBox &box : artifact.boxes)
      a.expect(refers_to(box, artifact.slots.size()));
    a.list(artifact.asserts, [&](std::string &text) { a.text(text); });
    records(artifact.prints);
    a.flag(artifact.has_debug);
    a.flag(artifact.flush_subnormals);
    a.value(artifact.compile_ms);
  }
  /// Does a box name slots that there are, and as many dimensions as a map has?
  static bool refers_to(const TensorBox &box, size_t slots) {
    auto is_there = [&](const TensorBox::Number &number) {
      return !number.is_slot || static_cast<uint64_t>(number.value) < slots;
    };
    constexpr size_t most_dims = 5;
    bool right =
        box.slot < slots && !box.dims.empty() && box.dims.size() <= most_dims;
    for (const TensorBox::Dim &dim : box.dims)
      right = right && is_there(dim.size) && is_there(dim.stride);
    return right;
  }
  void fields(TensorBox::Number &number) {
    a.value(number.value);
    a.flag(number.is_slot);
  }
  void fields(TensorBox::Dim &dim) {
    fields(dim.size);
    fields(dim.stride);
    a.value(dim.box);
  }
  void fields(TensorBox &box) {
    a.value(box.slot);
    a.value(box.element_bytes);
    a.value(box.line_bytes);
    records(box.dims);
  }
  void fields(PrintSite::Value &value) {
    dtype(value.dtype);
    a.list(value.extents, [&](int64_t &extent) { a.value(extent); });
  }
  void fields(PrintSite &print) {
    a.text(print.text);
    records(print.values);
  }
  void fields(AheadParam &param) {
    a.enumeration(param.kind, AheadParam::Kind::extent);
    a.value(param.index);
    a.enumeration(param.type, ConstParam::Kind::boolean);
  }
  void fields(AheadChoice &choice) {
    a.value(choice.constant);
    records(choice.values);
  }
  void fields(AheadFunction &function) {
    a.text(function.name);
    a.value(function.signature);
    records(function.params);
    records(function.choices);
    a.list(function.types, [this](auto &type) {
      this->optional(type, [this](DType &dtype) { this->dtype(dtype); });
    });
    a.list(function.consts, [this](auto &value) {
      this->optional(value, [this](ConstValue &one) { this->fields(one); });
    });
  }
  void fields(AheadBody &body) {
    a.enumeration(body.target.kind, Target::Kind::ptx);
    a.text(body.target.arch);
    a.value(body.code);
    a.flag(body.regular);
    fields(body.artifact);
  }
  void fields(AheadVariant &variant) {
    fields(variant.what);
    fields(variant.artifact);
    records(variant.bodies);
  }
  void fields(AheadLibrary &library) {
    a.text(library.name);
    records(library.signatures);
    records(library.functions);
    records(library.variants);
  }

private:
  void dtype(DType &dtype) {
    a.enumeration(dtype, static_cast<DType>(numDTypes - 1));
  }
  /// A list of flags; its elements are no bools that one could refer to.
  void flags(std::vector<bool> &list) {
    std::vector<uint8_t> bytes(list.begin(), list.end());
    a.list(bytes, [this](uint8_t &byte) { a.value(byte); });
    list.assign(bytes.begin(), bytes.end());
  }
  /// Whether there is one, and which.
  template <class T, class Each>
  void optional(std::optional<T> &one, Each each) {
    bool there = one.has_value();
    a.flag(there);
    if (!there)
      return;
    if (!one)
      one.emplace();
    each(*one);
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

namespace attn_grid {

std::string encode_ahead(const AheadLibrary &library) {
  detail::ByteWriter writer;
  AheadLibrary copy = library;
  detail::Fields<detail::ByteWriter>{writer}.fields(copy);
  return writer.take();
}

std::optional<AheadLibrary> decode_ahead(std::string_view records) {
  AheadLibrary library;
  detail::ByteReader reader(records);
  detail::Fields<detail::ByteReader>{reader}.fields(library);
  if (!reader.finished())
    return std::nullopt;
  return library;
}

} // namespace attn_grid
