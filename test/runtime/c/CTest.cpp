// attn_grid/c.h: every code, handles misused, no exception, no memory.

#include "attn_grid/c.h"
#include "test/runtime/FakeCompiler.h"
#include <atomic>
#include <cstdlib>
#include <dlpack/dlpack.h>
#include <gmock/gmock.h>
#include <new>
#include <optional>
#include <string>
#include <thread>
#include <vector>

using namespace attn_grid;
using testing::HasSubstr;

// Allocation number `fail_at` of this thread fails, if that is positive.
static thread_local int64_t fail_at = 0;

static void *allocate(size_t bytes, size_t alignment) {
  if (fail_at > 0 && --fail_at == 0)
    throw std::bad_alloc();
  size_t rounded = (bytes + alignment - 1) / alignment * alignment;
  if (void *memory =
          std::aligned_alloc(alignment, std::max(rounded, alignment)))
    return memory;
  throw std::bad_alloc();
}
void *operator new(size_t bytes) { return allocate(bytes, 16); }
void *operator new(size_t bytes, std::align_val_t alignment) {
  return allocate(bytes, static_cast<size_t>(alignment));
}
void operator delete(void *memory) noexcept { std::free(memory); }
void operator delete(void *memory, size_t) noexcept { std::free(memory); }
void operator delete(void *memory, std::align_val_t) noexcept {
  std::free(memory);
}
void operator delete(void *memory, size_t, std::align_val_t) noexcept {
  std::free(memory);
}

namespace {

constexpr const char *source = R"(
kernel double_it(x: tensor<f32>[N], out y: tensor<f32>[N]) grid (1) {
  const W = 16;
  for i in 0 .. N step W { y[i +: W] = x[i +: W] * 2.0; }
}
)";

ag_module *module_of(const char *text) {
  ag_module *module = nullptr;
  EXPECT_EQ(ag_module_from_source(text, nullptr, nullptr, 0, &module), AG_OK)
      << ag_last_error();
  return module;
}

ag_kernel *kernel_of(const char *name) {
  ag_module *module = module_of(source);
  ag_kernel *kernel = nullptr;
  EXPECT_EQ(ag_module_kernel(module, name, nullptr, 0, &kernel), AG_OK)
      << ag_last_error();
  ag_module_free(module);
  return kernel;
}

ag_tensor *tensor_of(int64_t size, ag_dtype dtype = AG_F32) {
  ag_tensor *tensor = nullptr;
  EXPECT_EQ(ag_tensor_iota(dtype, 1, &size, nullptr, &tensor), AG_OK)
      << ag_last_error();
  return tensor;
}

TEST(C, EveryCodeIsReached) {
  ag_kernel *kernel = kernel_of("double_it");
  ag_tensor *x = tensor_of(5), *y = tensor_of(6), *ints = tensor_of(5, AG_I32);
  ag_tensor *made = x;
  int64_t index = 5;
  ag_value value;
  ag_module *module;

  ag_arg differ[] = {ag_in(x), ag_out(y)};
  EXPECT_EQ(ag_kernel_launch(kernel, differ, 2, nullptr), AG_INVALID_ARGUMENT);
  EXPECT_THAT(ag_last_error(), HasSubstr("`y`"));
  EXPECT_EQ(ag_module_from_source("kernel f(", "f.ag", nullptr, 0, &module),
            AG_COMPILE_ERROR);
  EXPECT_THAT(ag_last_error(), HasSubstr("f.ag:1"));
  ag_arg wrong_type[] = {ag_in(ints)};
  EXPECT_EQ(ag_kernel_launch(kernel, wrong_type, 1, nullptr), AG_DTYPE_ERROR);
  EXPECT_EQ(ag_device_check("abacus"), AG_KEY_ERROR);
  EXPECT_EQ(ag_tensor_get(x, 1, &index, &value), AG_OUT_OF_RANGE);
  EXPECT_EQ(ag_tensor_from_npy("/nowhere/x.npy", nullptr, &made),
            AG_BACKEND_ERROR);
  EXPECT_EQ(made, nullptr);
  EXPECT_THAT(ag_last_error(), HasSubstr("/nowhere/x.npy"));
  DLManagedTensor elsewhere{};
  elsewhere.dl_tensor.device.device_type = kDLVulkan;
  EXPECT_EQ(ag_tensor_from_dlpack(&elsewhere, &made), AG_UNSUPPORTED);
  fail_at = 1;
  EXPECT_EQ(ag_tensor_clone(x, &made), AG_OUT_OF_MEMORY);
  fail_at = 0;
  EXPECT_STREQ(ag_last_error(), "not enough memory");

  for (ag_tensor *tensor : {x, y, ints})
    ag_tensor_free(tensor);
  ag_kernel_free(kernel);
}

TEST(C, NamesOfCodesAndDTypes) {
  for (unsigned status = AG_OK; status <= AG_INTERNAL_ERROR; ++status)
    EXPECT_STRNE(ag_status_name(ag_status(status)), "unknown status");
  EXPECT_STREQ(ag_status_name(ag_status(99)), "unknown status");
  for (unsigned i = AG_BOOL; i <= AG_F8E5M2; ++i) {
    ag_dtype dtype;
    ASSERT_EQ(ag_dtype_named(ag_dtype_name(ag_dtype(i)), &dtype), AG_OK);
    EXPECT_EQ(dtype, i);
    EXPECT_GT(ag_dtype_size(dtype), 0u);
  }
  ag_dtype dtype;
  EXPECT_EQ(ag_dtype_named("f80", &dtype), AG_KEY_ERROR);
  EXPECT_STREQ(ag_dtype_name(ag_dtype(99)), "?");
  EXPECT_EQ(ag_dtype_size(ag_dtype(99)), 0u);
  EXPECT_THAT(ag_version(), testing::MatchesRegex("[0-9]+\\.[0-9]+\\.[0-9]+"));
}

TEST(C, HandlesMisused) {
  ag_tensor *x = tensor_of(5);
  ag_tensor_info info;
  EXPECT_EQ(ag_tensor_get_info(nullptr, &info), AG_INVALID_ARGUMENT);
  EXPECT_THAT(ag_last_error(), HasSubstr("expected a handle of kind tensor, "
                                         "found NULL"));
  size_t size;
  EXPECT_EQ(ag_module_size(reinterpret_cast<ag_module *>(x), &size),
            AG_INVALID_ARGUMENT);
  EXPECT_THAT(ag_last_error(), HasSubstr("of another kind"));
  EXPECT_EQ(ag_tensor_get_info(x, nullptr), AG_INVALID_ARGUMENT);
  EXPECT_THAT(ag_last_error(), HasSubstr("`info` is NULL"));
  ag_tensor_free(x);
  EXPECT_EQ(ag_tensor_get_info(x, &info), AG_INVALID_ARGUMENT);
  EXPECT_EQ(info.data, nullptr);
  EXPECT_THAT(ag_last_error(), HasSubstr("was freed"));
  ag_tensor_free(x); // twice: nothing happens
  ag_tensor_free(nullptr);
  ag_tensor *other = tensor_of(3);
  EXPECT_NE(other, x) << "a slot just freed is not the next to be used";
  EXPECT_EQ(ag_tensor_get_info(x, &info), AG_INVALID_ARGUMENT);
  ag_tensor_free(other);
}

TEST(C, ArgumentsThatMakeNoSense) {
  ag_tensor *made = nullptr;
  int64_t sizes[9] = {1, 1, 1, 1, 1, 1, 1, 1, 1};
  EXPECT_EQ(ag_tensor_empty(AG_F32, 9, sizes, nullptr, &made),
            AG_INVALID_ARGUMENT);
  EXPECT_EQ(ag_tensor_empty(AG_F32, -1, sizes, nullptr, &made),
            AG_INVALID_ARGUMENT);
  EXPECT_EQ(ag_tensor_empty(AG_F32, 1, nullptr, nullptr, &made),
            AG_INVALID_ARGUMENT);
  EXPECT_EQ(ag_tensor_empty(ag_dtype(99), 1, sizes, nullptr, &made),
            AG_DTYPE_ERROR);
  EXPECT_EQ(ag_tensor_empty(AG_F32, 1, sizes, nullptr, nullptr),
            AG_INVALID_ARGUMENT);
  EXPECT_EQ(ag_tensor_full(AG_F32, 1, sizes, ag_none().value, nullptr, &made),
            AG_INVALID_ARGUMENT);
  int released = 0;
  EXPECT_EQ(ag_tensor_from_memory(
                nullptr, AG_F32, 1, sizes, nullptr,
                [](void *count) { ++*static_cast<int *>(count); }, &released,
                nullptr, &made),
            AG_INVALID_ARGUMENT);
  EXPECT_EQ(released, 0);
  EXPECT_EQ(ag_set_num_threads(-1), AG_INVALID_ARGUMENT);
  ag_module *module;
  EXPECT_EQ(ag_module_from_file(nullptr, nullptr, 0, &module),
            AG_INVALID_ARGUMENT);
  EXPECT_EQ(ag_module_from_source(source, "", nullptr, 1, &module),
            AG_INVALID_ARGUMENT);
  ag_kernel *kernel = kernel_of("double_it"), *bound = kernel;
  module = module_of(source);
  const char *name;
  EXPECT_EQ(ag_module_kernel_name(module, 2, &name), AG_OUT_OF_RANGE);
  EXPECT_EQ(ag_module_kernel(module, "triple_it", nullptr, 0, &bound),
            AG_KEY_ERROR);
  EXPECT_EQ(bound, nullptr);
  ag_arg unnamed = ag_int(1);
  EXPECT_EQ(ag_module_kernel(module, "double_it", &unnamed, 1, &bound),
            AG_INVALID_ARGUMENT);
  ag_arg dtype = ag_type(AG_F32);
  EXPECT_EQ(ag_kernel_launch(kernel, &dtype, 1, nullptr), AG_INVALID_ARGUMENT);
  EXPECT_EQ(ag_kernel_launch(kernel, nullptr, 1, nullptr), AG_INVALID_ARGUMENT);
  ag_param param;
  EXPECT_EQ(ag_kernel_param(kernel, 2, &param), AG_OUT_OF_RANGE);
  ag_expected expected;
  EXPECT_EQ(ag_kernel_expect(kernel, nullptr, 0, &expected, 1),
            AG_INVALID_ARGUMENT);
  ag_module_free(module);
  ag_kernel_free(kernel);
}

TEST(C, Tensors) {
  int64_t sizes[] = {2, 3}, at[] = {1, 2};
  double values[] = {0, 1, 2, 3, 4, 5};
  ag_tensor *x, *view;
  ag_tensor_info info;
  ag_value value;
  ASSERT_EQ(ag_tensor_from_values(AG_I64, 2, sizes, values, 6, nullptr, &x),
            AG_OK);
  ASSERT_EQ(ag_tensor_get(x, 2, at, &value), AG_OK);
  EXPECT_EQ(value.kind, AG_KIND_INT);
  EXPECT_EQ(value.as.integer, 5);
  auto sizes_of = [&](ag_status status) {
    EXPECT_EQ(status, AG_OK) << ag_last_error();
    EXPECT_EQ(ag_tensor_get_info(view, &info), AG_OK);
    ag_tensor_free(view);
    return std::vector<int64_t>(info.sizes, info.sizes + info.rank);
  };
  using testing::ElementsAre;
  int64_t flat[] = {-1}, order[] = {1, 0}, wide[] = {4, -1, -1};
  EXPECT_THAT(sizes_of(ag_tensor_view(x, 1, flat, &view)), ElementsAre(6));
  EXPECT_THAT(sizes_of(ag_tensor_transpose(x, 0, 1, &view)), ElementsAre(3, 2));
  EXPECT_FALSE(info.is_contiguous);
  EXPECT_THAT(sizes_of(ag_tensor_permute(x, 2, order, &view)),
              ElementsAre(3, 2));
  EXPECT_THAT(sizes_of(ag_tensor_slice(x, 1, 0, 3, 2, &view)),
              ElementsAre(2, 2));
  EXPECT_EQ(info.strides[1], 2);
  EXPECT_THAT(sizes_of(ag_tensor_select(x, 0, 1, &view)), ElementsAre(3));
  EXPECT_THAT(sizes_of(ag_tensor_unsqueeze(x, 1, &view)), ElementsAre(2, 1, 3));
  EXPECT_THAT(sizes_of(ag_tensor_expand(x, 3, wide, &view)),
              ElementsAre(4, 2, 3));
  EXPECT_THAT(sizes_of(ag_tensor_contiguous(x, &view)), ElementsAre(2, 3));
  EXPECT_THAT(sizes_of(ag_tensor_to(x, "cpu", &view)), ElementsAre(2, 3));
  EXPECT_THAT(sizes_of(ag_tensor_convert(x, AG_BF16, &view)),
              ElementsAre(2, 3));
  EXPECT_EQ(info.dtype, AG_BF16);
  EXPECT_THAT(sizes_of(ag_tensor_randn(AG_F32, 2, sizes, 1, nullptr, &view)),
              ElementsAre(2, 3));
  EXPECT_THAT(
      sizes_of(ag_tensor_uniform(AG_BOOL, 2, sizes, 1, 0, 1, nullptr, &view)),
      ElementsAre(2, 3));

  ASSERT_EQ(ag_tensor_full(AG_BOOL, 2, sizes, ag_bool(1).value, nullptr, &view),
            AG_OK);
  ASSERT_EQ(ag_tensor_get(view, 2, at, &value), AG_OK);
  EXPECT_EQ(value.kind, AG_KIND_BOOL);
  ASSERT_EQ(ag_tensor_copy_from(x, view), AG_OK);
  ASSERT_EQ(ag_tensor_set(x, 2, at, ag_float(7.9).value), AG_OK);
  ASSERT_EQ(ag_tensor_get(x, 2, at, &value), AG_OK);
  EXPECT_EQ(value.as.integer, 7);
  ASSERT_EQ(ag_tensor_fill(x, ag_int(4).value), AG_OK);

  DLManagedTensor *managed;
  ag_tensor *back;
  ASSERT_EQ(ag_tensor_to_dlpack(x, &managed), AG_OK);
  ASSERT_EQ(ag_tensor_from_dlpack(managed, &back), AG_OK);
  ag_tensor_free(x);
  ASSERT_EQ(ag_tensor_get(back, 2, at, &value), AG_OK);
  EXPECT_EQ(value.as.integer, 4);

  std::string path = testing::TempDir() + "c-api.npy";
  ASSERT_EQ(ag_tensor_to_npy(back, path.c_str()), AG_OK);
  ASSERT_EQ(ag_tensor_from_npy(path.c_str(), nullptr, &x), AG_OK);
  ASSERT_EQ(ag_tensor_get(x, 2, at, &value), AG_OK);
  EXPECT_EQ(value.as.integer, 4);
  for (ag_tensor *tensor : {x, view, back})
    ag_tensor_free(tensor);
}

TEST(C, PrintsGoToTheSink) {
  // A kernel that prints, written in C++.
  Signature hello;
  hello.name = "hello";
  hello.grid = {test::literal(int64_t(1))};
  Compiler *real = registered_compiler();
  std::optional<test::FakeCompiler> compiler(std::in_place);
  compiler->programs["hello.ag"] = test::make_program(
      hello, [](const void *, uint32_t, uint32_t, ag_context *context) {
        context->print(context, "hello", 5, nullptr, 0);
      });
  ag_module *module = module_of("hello.ag");
  ag_kernel *kernel = nullptr;
  ASSERT_EQ(ag_module_kernel(module, "hello", nullptr, 0, &kernel), AG_OK);
  std::string printed;
  ASSERT_EQ(ag_set_print_sink(
                [](const char *text, size_t bytes, void *context) {
                  static_cast<std::string *>(context)->append(text, bytes);
                },
                &printed),
            AG_OK);
  EXPECT_EQ(ag_kernel_launch(kernel, nullptr, 0, nullptr), AG_OK)
      << ag_last_error();
  EXPECT_EQ(ag_set_print_sink(nullptr, nullptr), AG_OK);
  EXPECT_THAT(printed, HasSubstr("hello"));
  ag_kernel_free(kernel);
  ag_module_free(module);
  compiler.reset();
  set_compiler(real);
}

TEST(C, Threads) {
  EXPECT_EQ(ag_set_num_threads(1), AG_OK);
  EXPECT_EQ(ag_num_threads(), 1);
  EXPECT_EQ(ag_set_num_threads(0), AG_OK);
  EXPECT_EQ(ag_set_num_threads(-1), AG_INVALID_ARGUMENT);
}

TEST(C, Streams) {
  ag_stream *stream = nullptr, *wrapped = nullptr;
  ag_event *begin = nullptr, *end = nullptr;
  ASSERT_EQ(ag_stream_create("cpu", &stream), AG_OK) << ag_last_error();
  EXPECT_EQ(ag_stream_leave(), AG_INVALID_ARGUMENT);
  EXPECT_STREQ(ag_last_error(), "this thread has entered no stream");
  ASSERT_EQ(ag_stream_record(stream, &begin), AG_OK);
  ASSERT_EQ(ag_stream_enter(stream), AG_OK);
  ASSERT_EQ(ag_stream_leave(), AG_OK);
  ASSERT_EQ(ag_stream_record(stream, &end), AG_OK);
  EXPECT_EQ(ag_stream_wait(stream, end), AG_OK);
  EXPECT_EQ(ag_event_synchronize(end), AG_OK);
  int done = 0;
  EXPECT_EQ(ag_event_done(end, &done), AG_OK);
  EXPECT_EQ(done, 1);
  EXPECT_EQ(ag_stream_synchronize(stream), AG_OK);
  EXPECT_EQ(ag_stream_done(stream, &done), AG_OK);
  EXPECT_EQ(done, 1);
  double milliseconds = -1;
  EXPECT_EQ(ag_event_milliseconds(begin, end, &milliseconds), AG_OK);
  EXPECT_GE(milliseconds, 0);
  EXPECT_EQ(ag_stream_wrap(nullptr, nullptr, &wrapped), AG_INVALID_ARGUMENT);
  EXPECT_EQ(ag_stream_done(nullptr, &done), AG_INVALID_ARGUMENT);
  ag_event_free(begin);
  EXPECT_EQ(ag_event_synchronize(begin), AG_INVALID_ARGUMENT);
  ag_event_free(end);
  ag_stream_free(stream);
  ASSERT_EQ(ag_stream_default("cpu", &stream), AG_OK);
  EXPECT_EQ(ag_stream_done(stream, &done), AG_OK);
  EXPECT_EQ(done, 1);
  ag_stream_free(stream);
}

TEST(C, CompilesInTheBackground) {
  EXPECT_EQ(ag_wait_for_compiles(), AG_OK);
  EXPECT_EQ(ag_compile_in_background(1), AG_OK);
  EXPECT_EQ(ag_compile_in_background(0), AG_OK);
}

TEST(C, ErrorsAreTheThreadsOwn) {
  EXPECT_EQ(ag_device_check("abacus"), AG_KEY_ERROR);
  std::string elsewhere = "not asked";
  std::thread([&] { elsewhere = ag_last_error(); }).join();
  EXPECT_EQ(elsewhere, "");
  EXPECT_THAT(ag_last_error(), HasSubstr("abacus"));
}

/// Runs `body` with allocation 1, 2, ... failing until it succeeds: no
/// exception leaves it, and every failure has a code and a message.
template <class Body> int fail_each_allocation(Body body) {
  for (int n = 1; n < 5000; ++n) {
    fail_at = n;
    ag_status status = body();
    fail_at = 0;
    if (status == AG_OK)
      return n - 1;
    // Code that turns it into an error of its own is right, too.
    EXPECT_TRUE(status == AG_OUT_OF_MEMORY || status == AG_BACKEND_ERROR)
        << ag_status_name(status) << ": " << ag_last_error();
    EXPECT_STRNE(ag_last_error(), "");
  }
  ADD_FAILURE() << "never succeeds";
  return 0;
}

TEST(C, EveryAllocationFailsOnce) {
  ag_kernel *kernel = kernel_of("double_it");
  ag_tensor *x = tensor_of(5);
  ag_arg args[] = {ag_in(x)};
  ASSERT_EQ(ag_kernel_launch(kernel, args, 1, nullptr), AG_OK);
  // So many handles that the pools must grow in between.
  for (int round = 0; round < 10; ++round) {
    ag_results *made = nullptr;
    EXPECT_GT(fail_each_allocation(
                  [&] { return ag_kernel_launch(kernel, args, 1, &made); }),
              0);
    ag_results_free(made);
    ag_launch *launch = nullptr;
    EXPECT_GT(fail_each_allocation(
                  [&] { return ag_kernel_prepare(kernel, args, 1, &launch); }),
              0);
    ag_launch_free(launch);
    int64_t size = 3;
    ag_tensor *tensor = nullptr;
    fail_each_allocation(
        [&] { return ag_tensor_empty(AG_F32, 1, &size, nullptr, &tensor); });
    ag_tensor_free(tensor);
  }
  // What was taken over is given back once, and only after success.
  static int deleted;
  deleted = 0;
  int64_t shape = 1;
  float data = 1;
  DLManagedTensor managed{};
  managed.dl_tensor = {&data,  {kDLCPU, 0}, 1, {kDLFloat, 32, 1},
                       &shape, nullptr,     0};
  managed.deleter = [](DLManagedTensor *) { ++deleted; };
  ag_tensor *imported = nullptr;
  EXPECT_GT(fail_each_allocation(
                [&] { return ag_tensor_from_dlpack(&managed, &imported); }),
            0);
  EXPECT_EQ(deleted, 0);
  ag_tensor_free(imported);
  EXPECT_EQ(deleted, 1);
  ag_tensor_free(x);
  ag_kernel_free(kernel);
}

} // namespace
