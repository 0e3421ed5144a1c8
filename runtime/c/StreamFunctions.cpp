// The functions of `attn_grid/c.h` on streams and events, and on compiles that
// launches do not wait for.

#include "attn_grid/background.hpp"
#include "runtime/c/Handle.h"

using namespace attn_grid;
using namespace attn_grid::c;

namespace {

/// The scopes that a thread has entered. They end from the innermost.
struct Entered {
  std::deque<StreamScope> scopes;
  ~Entered() {
    while (!scopes.empty())
      scopes.pop_back();
  }
};
thread_local Entered entered;

} // namespace

ag_status ag_stream_create(const char *device, ag_stream **made) {
  return make(made, [&] { return Stream::create(device_named(device)); });
}

ag_status ag_stream_default(const char *device, ag_stream **made) {
  return make(made, [&] { return Stream::default_of(device_named(device)); });
}

ag_status ag_stream_wrap(const char *device, void *handle, ag_stream **made) {
  return make(made, [&] { return Stream::wrap(device_named(device), handle); });
}

void ag_stream_free(ag_stream *stream) { pool<ag_stream>().free(stream); }

ag_status ag_stream_enter(const ag_stream *stream) {
  return guarded([&] { entered.scopes.emplace_back(value_of(stream)); });
}

ag_status ag_stream_leave(void) {
  return guarded([&] {
    if (entered.scopes.empty())
      throw InvalidArgument("this thread has entered no stream");
    entered.scopes.pop_back();
  });
}

ag_status ag_stream_done(const ag_stream *stream, int *done) {
  return guarded([&] {
    need(done, "done") = 0;
    *done = value_of(stream).done();
  });
}

ag_status ag_stream_synchronize(const ag_stream *stream) {
  return guarded([&] { value_of(stream).synchronize(); });
}

ag_status ag_stream_record(const ag_stream *stream, ag_event **made) {
  return make(made, [&] { return value_of(stream).record(); });
}

ag_status ag_stream_wait(const ag_stream *stream, const ag_event *event) {
  return guarded([&] { value_of(stream).wait(value_of(event)); });
}

void ag_event_free(ag_event *event) { pool<ag_event>().free(event); }

ag_status ag_event_done(const ag_event *event, int *done) {
  return guarded([&] {
    need(done, "done") = 0;
    *done = value_of(event).done();
  });
}

ag_status ag_event_synchronize(const ag_event *event) {
  return guarded([&] { value_of(event).synchronize(); });
}

ag_status ag_event_milliseconds(const ag_event *begin, const ag_event *end,
                                double *milliseconds) {
  return guarded([&] {
    need(milliseconds, "milliseconds") = 0;
    *milliseconds = value_of(end).milliseconds_since(value_of(begin));
  });
}

ag_status ag_compile_in_background(int on) {
  return guarded([&] { compile_in_background(on != 0); });
}

ag_status ag_wait_for_compiles(void) {
  return guarded([] { wait_for_compiles(); });
}
