/* A host in C11: compiles a kernel from text, launches it by position, by name
 * and prepared, reads results and errors. Exits with 1 at the first surprise.
 */

#include "attn_grid/c.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char source[] =
    "/// y = a x + BIAS.\n"
    "kernel axpy<const BIAS: int = 0>(\n"
    "    x: tensor<f32>[N], out y: tensor<f32>[N], a: f32 = 2.0)\n"
    "  grid (ceildiv(N, 16))\n"
    "{\n"
    "  let c = cast<f32>(BIAS);\n"
    "  let first = program_id() * 16;\n"
    "  y[first +: 16] = x[first +: 16] * a + c;\n"
    "}\n";

#define CHECK(condition)                                                       \
  do {                                                                         \
    if (!(condition)) {                                                        \
      fprintf(stderr, "%s:%d: %s (%s)\n", __FILE__, __LINE__, #condition,      \
              ag_last_error());                                                \
      exit(1);                                                                 \
    }                                                                          \
  } while (0)
#define OK(call) CHECK((call) == AG_OK)

static double element(const ag_tensor *tensor, int64_t index) {
  ag_value value;
  OK(ag_tensor_get(tensor, 1, &index, &value));
  CHECK(value.kind == AG_KIND_FLOAT);
  return value.as.number;
}

static void count_release(void *context) { ++*(int *)context; }

int main(void) {
  ag_module *module;
  ag_kernel *kernel;
  OK(ag_module_from_source(source, "axpy.ag", NULL, 0, &module));
  size_t kernels;
  const char *name, *doc;
  OK(ag_module_size(module, &kernels));
  OK(ag_module_kernel_name(module, 0, &name));
  CHECK(kernels == 1 && strcmp(name, "axpy") == 0);
  ag_arg bias = ag_named("BIAS", ag_int(3));
  OK(ag_module_kernel(module, "axpy", &bias, 1, &kernel));
  ag_module_free(module); /* the kernel keeps what it needs */

  size_t params;
  ag_param y_param;
  OK(ag_kernel_name(kernel, &name));
  OK(ag_kernel_doc(kernel, &doc));
  OK(ag_kernel_size(kernel, &params));
  OK(ag_kernel_param(kernel, 1, &y_param));
  CHECK(strcmp(name, "axpy") == 0 && strstr(doc, "y = a x + BIAS") != NULL);
  CHECK(params == 3 && strcmp(y_param.name, "y") == 0 && y_param.is_tensor &&
        y_param.rank == 1 && y_param.mode == AG_MODE_OUT &&
        y_param.may_be_left_away);

  /* The input is the host's own memory. */
  enum { n = 37 };
  float memory[n];
  int released = 0;
  for (int i = 0; i < n; ++i)
    memory[i] = (float)i;
  int64_t size = n;
  ag_tensor *x, *y;
  OK(ag_tensor_from_memory(memory, AG_F32, 1, &size, NULL, count_release,
                           &released, NULL, &x));
  OK(ag_tensor_empty(AG_F32, 1, &size, "cpu", &y));

  ag_expected expected[3];
  ag_arg args[3] = {ag_in(x), ag_out(y), ag_float(0.5)};
  OK(ag_kernel_expect(kernel, args, 1, expected, 3));
  CHECK(expected[1].known && expected[1].rank == 1 &&
        expected[1].sizes[0] == n && expected[1].dtype == AG_F32);
  OK(ag_kernel_expect(kernel, NULL, 0, expected, 3));
  CHECK(!expected[1].known && strcmp(expected[1].missing, "N") == 0);

  OK(ag_kernel_launch(kernel, args, 3, NULL));
  for (int i = 0; i < n; ++i)
    CHECK(element(y, i) == 0.5 * i + 3);

  /* By name; the output left away is made. */
  ag_results *made;
  ag_tensor *fresh, *same;
  size_t results;
  ag_arg named[2] = {ag_named("a", ag_float(-1)), ag_named("x", ag_in(x))};
  OK(ag_kernel_launch(kernel, named, 2, &made));
  OK(ag_results_size(made, &results));
  OK(ag_results_name(made, 0, &name));
  OK(ag_results_tensor(made, 0, &same));
  OK(ag_results_named(made, "y", &fresh));
  CHECK(results == 1 && strcmp(name, "y") == 0);
  ag_results_free(made);
  ag_tensor_info info, same_info;
  OK(ag_tensor_get_info(fresh, &info));
  OK(ag_tensor_get_info(same, &same_info));
  CHECK(info.data == same_info.data && info.dtype == AG_F32 && info.rank == 1 &&
        info.sizes[0] == n && info.strides[0] == 1 && info.elements == n &&
        info.is_contiguous);
  CHECK(element(fresh, 5) == -2);

  /* Prepared: the launch keeps its tensors. */
  ag_launch *launch;
  ag_variant variant;
  int64_t programs;
  OK(ag_kernel_prepare(kernel, args, 1, &launch));
  ag_kernel_free(kernel);
  ag_tensor_free(x);
  CHECK(released == 0);
  memory[1] = 100;
  OK(ag_launch_run(launch));
  OK(ag_launch_results(launch, &made));
  ag_tensor_free(fresh);
  OK(ag_results_named(made, "y", &fresh));
  CHECK(element(fresh, 1) == 203);
  OK(ag_launch_variant(launch, &variant));
  OK(ag_launch_programs(launch, &programs));
  CHECK(strstr(variant.key, "axpy") != NULL && variant.cached && programs == 3);
  ag_results_free(made);
  ag_launch_free(launch);
  CHECK(released == 1);

  /* A mistake has a code and a message, per call. */
  ag_status status = ag_module_from_source("kernel", NULL, NULL, 0, &module);
  CHECK(status == AG_COMPILE_ERROR && module == NULL);
  CHECK(strstr(ag_last_error(), "source.ag:1") != NULL);

  ag_tensor_free(fresh);
  ag_tensor_free(same);
  ag_tensor_free(y);
  return 0;
}
