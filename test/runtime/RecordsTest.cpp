// Signatures and variants survive the way to disk; damaged ones are refused.

#include "runtime/cache/Records.h"
#include "test/runtime/FakeCompiler.h"
#include <gtest/gtest.h>

using namespace attn_grid;
using namespace attn_grid::test;
using namespace attn_grid::detail;

namespace {

std::vector<Signature> two_signatures() {
  std::vector<Signature> list = make_flash()->list;
  list.push_back(probe_signature());
  list[0].doc = "Attention.\nTwo lines.";
  list[1].params[1].fill = literal(-1.5);
  return list;
}

TEST(Records, SignaturesComeBack) {
  Entry entry = encode_signatures("key", two_signatures());
  auto back = decode_signatures(entry);
  ASSERT_TRUE(back);
  ASSERT_EQ(back->size(), 2u);
  EXPECT_EQ((*back)[0].doc, "Attention.\nTwo lines.");
  EXPECT_EQ((*back)[0].params[5].default_value.text, "1.0 / sqrt(D)");
  EXPECT_EQ((*back)[1].params[1].fill.nodes[0].f, -1.5);
  // The bytes hold every field, so equal bytes are equal signatures.
  EXPECT_EQ(encode_signatures("key", *back).payload, entry.payload);
}

Artifact some_artifact() {
  Artifact artifact;
  artifact.object = std::make_shared<const std::string>("an\0object", 9);
  artifact.symbol = "flash_fwd";
  artifact.slots = {{Slot::Kind::pointer, 1, 0}, {Slot::Kind::stride, 2, 3}};
  artifact.scratch_bytes = 4096;
  artifact.boxes = {
      {0, 2, 64, {{{32, false}, {1, false}, 32}, {{1, true}, {0, true}, 8}}}};
  artifact.asserts = {"first", ""};
  artifact.flush_subnormals = false;
  artifact.compile_ms = 12.5;
  return artifact;
}

TEST(Records, VariantsComeBack) {
  auto back = decode_variant(encode_variant("key", some_artifact()));
  ASSERT_TRUE(back);
  EXPECT_EQ(*back->object, std::string("an\0object", 9));
  EXPECT_EQ(back->symbol, "flash_fwd");
  ASSERT_EQ(back->slots.size(), 2u);
  EXPECT_EQ(back->slots[1].kind, Slot::Kind::stride);
  EXPECT_EQ(back->slots[1].dim, 3);
  EXPECT_EQ(back->scratch_bytes, 4096u);
  ASSERT_EQ(back->boxes.size(), 1u);
  EXPECT_EQ(back->boxes[0].line_bytes, 64u);
  ASSERT_EQ(back->boxes[0].dims.size(), 2u);
  EXPECT_EQ(back->boxes[0].dims[0].size.value, 32);
  EXPECT_TRUE(back->boxes[0].dims[1].size.is_slot);
  EXPECT_EQ(back->boxes[0].dims[1].box, 8u);
  EXPECT_EQ(back->asserts, (std::vector<std::string>{"first", ""}));
  EXPECT_FALSE(back->flush_subnormals);
  EXPECT_EQ(back->compile_ms, 12.5);
  EXPECT_EQ(back->entry, nullptr);
}

TEST(Records, BoxesNameSlotsThatThereAre) {
  auto isRead = [](auto change) {
    Artifact artifact = some_artifact();
    change(artifact.boxes[0]);
    return decode_variant(encode_variant("key", artifact)) != nullptr;
  };
  EXPECT_TRUE(isRead([](TensorBox &) {}));
  EXPECT_FALSE(isRead([](TensorBox &box) { box.slot = 2; }));
  EXPECT_FALSE(isRead([](TensorBox &box) { box.dims.clear(); }));
  EXPECT_FALSE(isRead([](TensorBox &box) { box.dims.resize(6); }));
  EXPECT_FALSE(isRead([](TensorBox &box) { box.dims[1].size.value = 2; }));
  EXPECT_FALSE(isRead([](TensorBox &box) { box.dims[1].stride.value = -1; }));
}

// Bytes with a right checksum that mean nothing: of another version, say.
TEST(Records, AnyBytesAreReadSafely) {
  Entry signatures = encode_signatures("key", two_signatures());
  Entry variant = encode_variant("key", some_artifact());
  for (size_t size = 0; size < signatures.payload.size(); ++size)
    EXPECT_FALSE(
        decode_signatures({"", "", signatures.payload.substr(0, size)}));
  for (size_t size = 0; size < variant.metadata.size(); ++size)
    EXPECT_FALSE(decode_variant({"", variant.metadata.substr(0, size), ""}));
  for (size_t at = 0; at < signatures.payload.size(); ++at)
    for (char byte : {'\xff', '\x7f', '\0'}) {
      Entry bad = signatures;
      bad.payload[at] = byte;
      decode_signatures(bad); // a result or none
    }
  for (size_t at = 0; at < variant.metadata.size(); ++at)
    for (char byte : {'\xff', '\x7f', '\0'}) {
      Entry bad = variant;
      bad.metadata[at] = byte;
      decode_variant(bad);
    }
  EXPECT_FALSE(decode_signatures({"", "", signatures.payload + '\0'}));
}

TEST(Records, KeysNameAllThatMatters) {
  Identity identity{"s1", "c1", "t1"};
  std::string key = variant_key(identity, "flash_fwd<T = f32>(q, k)");
  EXPECT_EQ(key, "variant flash_fwd<T = f32>(q, k)\nsource s1\ntarget t1\n"
                 "compiler c1\n");
  for (std::string Identity::*part :
       {&Identity::source, &Identity::compiler, &Identity::target}) {
    Identity other = identity;
    other.*part += "x";
    EXPECT_NE(variant_key(other, "flash_fwd<T = f32>(q, k)"), key);
    other.*part = "";
    EXPECT_FALSE(other.complete());
  }
}

} // namespace
