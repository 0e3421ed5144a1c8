/* Kernels that write their number: what CrowdTest's compiler returns. */

#include <stdint.h>

#define KERNEL(n)                                                              \
  void probe##n(const void *args, uint32_t begin, uint32_t end,                \
                void *context);                                                \
  void probe##n(const void *args, uint32_t begin, uint32_t end,                \
                void *context) {                                               \
    (void)begin, (void)end, (void)context;                                     \
    **(int32_t *const *)args = n;                                              \
  }
KERNEL(0)
KERNEL(1)
KERNEL(2)
KERNEL(3)
KERNEL(4)
KERNEL(5)
KERNEL(6)
KERNEL(7)
