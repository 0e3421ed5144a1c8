/// Asked by the address sanitizer's runtime; without it, never called. Tests
/// ask for more memory than there is, which must be an error, not an abort.
extern "C" const char *__asan_default_options();
extern "C" const char *__asan_default_options() {
  return "allocator_may_return_null=1";
}
