#ifndef AG_RUNTIME_HOST_FLOATMODE_H
#define AG_RUNTIME_HOST_FLOATMODE_H
/// The floating-point mode of the thread while kernels run on it.

#include <cstdint>
#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

namespace attn_grid::detail {

/// Round to nearest even, no traps, subnormals as asked, whatever the caller's
/// mode is: results must not depend on it. The destructor restores the mode.
class FloatMode {
public:
  explicit FloatMode(bool flush_subnormals) {
#if defined(__x86_64__)
    saved_ = _mm_getcsr();
    constexpr uint32_t all_masked = 0x1f80, flush_to_zero = 0x8000,
                       denormals_are_zero = 0x0040;
    _mm_setcsr(all_masked |
               (flush_subnormals ? flush_to_zero | denormals_are_zero : 0));
#elif defined(__aarch64__)
    asm volatile("mrs %0, fpcr" : "=r"(saved_));
    uint64_t mode = flush_subnormals ? uint64_t(1) << 24 : 0;
    asm volatile("msr fpcr, %0" : : "r"(mode));
#else
#error "add this processor's floating-point control register"
#endif
  }
  ~FloatMode() {
#if defined(__x86_64__)
    _mm_setcsr(saved_);
#elif defined(__aarch64__)
    asm volatile("msr fpcr, %0" : : "r"(saved_));
#endif
  }
  FloatMode(const FloatMode &) = delete;
  FloatMode &operator=(const FloatMode &) = delete;

private:
#if defined(__x86_64__)
  uint32_t saved_;
#else
  uint64_t saved_;
#endif
};

} // namespace attn_grid::detail

#endif
