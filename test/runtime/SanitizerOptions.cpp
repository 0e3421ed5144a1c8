// Asked by the runtimes of sanitizers; without them, never called. Tests ask
// for more memory than there is, which must be an error, not an abort.

extern "C" const char *__asan_default_options();
extern "C" const char *__asan_default_options() {
  // LLVM frees what it makes with `operator new` by `free`, in one place.
  return "allocator_may_return_null=1:alloc_dealloc_mismatch=0";
}
extern "C" const char *__tsan_default_options();
extern "C" const char *__tsan_default_options() {
  return "allocator_may_return_null=1:die_after_fork=0:halt_on_error=1";
}
// Debian's oneTBB is not made for the thread sanitizer, which does not see how
// its threads wait for each other.
extern "C" const char *__tsan_default_suppressions();
extern "C" const char *__tsan_default_suppressions() {
  return "race:tbb::detail\ncalled_from_lib:libtbb.so\n";
}
