// Wrong calls: a code and a text each, and nothing is written.

#include "AgAheadKernels.h"
#include "attn_grid/attn_grid.hpp"
#include "test/ahead/View.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <thread>

namespace attn_grid::test {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

/// Tensors of a call that is right.
class AheadErrors : public testing::Test {
protected:
  Tensor q = Tensor::randn({1, 2, 5, 64}, f32, {}, 1);
  Tensor k = Tensor::randn({1, 2, 7, 64}, f32, {}, 2);
  Tensor v = Tensor::randn({1, 2, 7, 32}, f32, {}, 3);
  Tensor o = Tensor::empty({1, 2, 5, 32});

  ag_status call(const ag_array *q, const ag_array *k, const ag_array *v,
                 const ag_array *o) {
    return ahead_flash_fwd(q, k, v, o, nullptr, nullptr, false);
  }
  ag_status call() { return call(View(q), View(k), View(v), View(o)); }
};

TEST_F(AheadErrors, NothingIsWrong) { EXPECT_EQ(call(), AG_OK); }

TEST_F(AheadErrors, Null) {
  EXPECT_EQ(call(View(q), View(k), nullptr, View(o)), AG_INVALID_ARGUMENT);
  EXPECT_STREQ(ag_last_error(),
               "flash_fwd: `v` is null, and it is not optional");
  EXPECT_EQ(call(View(q), View(k), View(v), nullptr), AG_INVALID_ARGUMENT);
  EXPECT_STREQ(ag_last_error(),
               "flash_fwd: `o` is null, and it is not optional");
}

TEST_F(AheadErrors, Descriptions) {
  View bad(q);
  bad->rank = 9;
  EXPECT_EQ(call(bad, View(k), View(v), View(o)), AG_INVALID_ARGUMENT);
  EXPECT_STREQ(ag_last_error(), "flash_fwd: `q` has rank 9, expected 0 to 8");
  bad->rank = -1;
  EXPECT_EQ(call(bad, View(k), View(v), View(o)), AG_INVALID_ARGUMENT);
  bad->rank = 4;
  bad->sizes = nullptr;
  EXPECT_EQ(call(bad, View(k), View(v), View(o)), AG_INVALID_ARGUMENT);
  EXPECT_STREQ(ag_last_error(), "flash_fwd: `q` has rank 4, and no sizes");
  View other(q);
  other->dtype = static_cast<ag_dtype>(14);
  EXPECT_EQ(call(other, View(k), View(v), View(o)), AG_INVALID_ARGUMENT);
  EXPECT_STREQ(ag_last_error(),
               "flash_fwd: `q` has the dtype 14, which is no ag_dtype");
  View nowhere(q);
  nowhere->device = static_cast<ag_device_kind>(3);
  EXPECT_EQ(call(nowhere, View(k), View(v), View(o)), AG_INVALID_ARGUMENT);
  EXPECT_STREQ(ag_last_error(),
               "flash_fwd: `q` is on the device 3 number 0, which is none");
}

TEST_F(AheadErrors, Shapes) {
  k = k.slice(2, 0, 6);
  EXPECT_EQ(call(), AG_INVALID_ARGUMENT);
  EXPECT_STREQ(ag_last_error(),
               "flash_fwd: `v` has N = 7, but `k` bound N = 6");
  View flat(q.select(0, 0));
  EXPECT_EQ(call(flat, View(k), View(v), View(o)), AG_INVALID_ARGUMENT);
  EXPECT_THAT(ag_last_error(), HasSubstr("expected `q` of rank 4"));
}

TEST_F(AheadErrors, Where) {
  q = Tensor::zeros({1, 3, 5, 64});
  o = Tensor::zeros({1, 3, 5, 32});
  EXPECT_EQ(call(), AG_INVALID_ARGUMENT);
  EXPECT_STREQ(ag_last_error(),
               "flash_fwd: the kernel needs H % G == 0, where H = 3 and G = 2");
}

TEST_F(AheadErrors, Types) {
  k = k.convert(f16);
  EXPECT_EQ(call(), AG_DTYPE_ERROR);
  EXPECT_STREQ(ag_last_error(),
               "flash_fwd: expected `k` of f32, found f16: `q` bound T = f32");
}

TEST_F(AheadErrors, VariantsThatWereNotBuilt) {
  q = Tensor::zeros({1, 2, 5, 80});
  k = Tensor::zeros({1, 2, 7, 80});
  EXPECT_EQ(call(), AG_UNSUPPORTED);
  EXPECT_THAT(ag_last_error(),
              StartsWith("flash_fwd: AgAheadKernels was not built with the "
                         "variant flash_fwd<T = f32, D = 80, DV = 32,"));
  EXPECT_THAT(ag_last_error(), HasSubstr("and 40 more"));
}

TEST_F(AheadErrors, ConstsOfTheBuild) {
  v = Tensor::zeros({1, 2, 7, 48});
  EXPECT_EQ(call(), AG_INVALID_ARGUMENT);
  EXPECT_STREQ(ag_last_error(),
               "flash_fwd: `v` has DV = 48, but the build bound DV = 32");
}

TEST_F(AheadErrors, Memory) {
  View none(q);
  none->data = nullptr;
  EXPECT_EQ(call(none, View(k), View(v), View(o)), AG_INVALID_ARGUMENT);
  EXPECT_STREQ(ag_last_error(), "flash_fwd: `q` has elements, and no memory");
  View odd(q);
  odd->data = static_cast<char *>(q.data()) + 1;
  EXPECT_EQ(call(odd, View(k), View(v), View(o)), AG_INVALID_ARGUMENT);
  EXPECT_THAT(ag_last_error(), StartsWith("flash_fwd: `q` is not aligned"));
  View shared(q.slice(3, 0, 32));
  EXPECT_EQ(call(View(q), View(k), View(v), shared), AG_INVALID_ARGUMENT);
  EXPECT_STREQ(ag_last_error(),
               "flash_fwd: `o` is written, but shares memory with `q`");
  int64_t backward[4] = {640, 320, -64, 1};
  View turned(q);
  turned->strides = backward;
  EXPECT_EQ(call(turned, View(k), View(v), View(o)), AG_INVALID_ARGUMENT);
  EXPECT_THAT(ag_last_error(), HasSubstr("has stride -64 in dimension 2"));
}

TEST_F(AheadErrors, Scalars) {
  Tensor x = Tensor::zeros({10}), y = Tensor::zeros({10});
  int64_t count = int64_t(1) << 40;
  EXPECT_EQ(
      ahead_scale(View(x), nullptr, View(y), nullptr, 1, &count, nullptr, -1),
      AG_INVALID_ARGUMENT);
  EXPECT_STREQ(ag_last_error(),
               "scale: `count` = 1099511627776 does not fit i32");
  count = 0;
  EXPECT_EQ(
      ahead_scale(View(x), nullptr, View(y), nullptr, 1, &count, nullptr, -1),
      AG_INVALID_ARGUMENT);
}

TEST_F(AheadErrors, ExtentsThatNoTensorHas) {
  Tensor x = Tensor::zeros({10}), y = Tensor::zeros({10});
  EXPECT_EQ(
      ahead_scale(View(x), nullptr, View(y), nullptr, 1, nullptr, nullptr, -1),
      AG_INVALID_ARGUMENT);
  EXPECT_STREQ(ag_last_error(),
               "scale: the launch needs PARTS, which no argument binds: give "
               "it where the function has a parameter PARTS");
  View sum(Tensor::empty({3}));
  EXPECT_EQ(ahead_scale(View(x), nullptr, View(y), sum, 1, nullptr, nullptr, 4),
            AG_INVALID_ARGUMENT);
  EXPECT_STREQ(ag_last_error(),
               "scale: `sum` has PARTS = 3, but the build bound PARTS = 4");
}

TEST_F(AheadErrors, EachThreadHasItsText) {
  call(View(q), View(k), nullptr, View(o));
  std::thread([] { EXPECT_STREQ(ag_last_error(), ""); }).join();
  EXPECT_THAT(ag_last_error(), HasSubstr("`v` is null"));
}

TEST_F(AheadErrors, ObjectsOfAnotherVersion) {
  ag_ahead_library other = AgAheadKernels_library;
  other.loaded = nullptr;
  other.version = 999;
  EXPECT_EQ(ag_ahead_call(&other, 0, nullptr), AG_UNSUPPORTED);
  EXPECT_THAT(ag_last_error(), HasSubstr("build them again"));
  // Damage at any byte is an error or goes unnoticed, and never a wild read.
  std::string records(static_cast<const char *>(AgAheadKernels_library.records),
                      AgAheadKernels_library.records_bytes);
  other.version = AG_AHEAD_VERSION;
  other.records = records.data();
  for (size_t size = 0; size < records.size(); size += 97) {
    other.records_bytes = size;
    EXPECT_THROW(Module::from_ahead(other), BackendError) << size;
  }
}

} // namespace
} // namespace attn_grid::test
