// Streams and events of the CPU, as a host sees them.

#include "test/runtime/FakeCompiler.h"
#include <future>
#include <gmock/gmock.h>
#include <mutex>
#include <thread>

using namespace attn_grid;
using namespace attn_grid::test;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;

namespace {

/// What the kernels of these tests did, in order. A gate holds one of them up.
struct Journal {
  std::mutex mutex;
  std::vector<int> done;
  std::promise<void> gate;
  std::shared_future<void> opened = gate.get_future().share();

  void add(int n) {
    std::lock_guard lock(mutex);
    done.push_back(n);
  }
} *journal;

const Device cpu;

class StreamTest : public testing::Test {
protected:
  StreamTest() {
    journal = &own;
    Signature note;
    note.name = "note";
    note.params = {{"n",
                    false,
                    false,
                    Param::Mode::in,
                    {TypeRef::Kind::concrete, i64},
                    {},
                    {},
                    {}}};
    note.grid = {literal(int64_t(1))};
    compiler.programs["note"] = make_program(
        note,
        [](const void *args, uint32_t, uint32_t, ag_context *context) {
          auto n = *static_cast<const int64_t *>(args);
          if (n == 0)
            journal->opened.wait();
          if (n < 0)
            context->failed = 1;
          journal->add(static_cast<int>(n));
        },
        {{Slot::Kind::scalar, 0, 0}});
    compiler.programs["probe"] = make_program(probe_signature(), probe_entry);
    kernel.emplace(Module::from_source("note").kernel("note"));
  }
  ~StreamTest() override { open(); }

  void open() {
    if (!opened)
      journal->gate.set_value();
    opened = true;
  }
  void note(const Stream &stream, int64_t n) {
    StreamScope scope(stream);
    (*kernel)(n);
  }
  std::vector<int> done() {
    std::lock_guard lock(own.mutex);
    return own.done;
  }

  Journal own;
  bool opened = false;
  FakeCompiler compiler;
  std::optional<Kernel> kernel;
};

TEST_F(StreamTest, LaunchesAreQueuedAndRunInOrder) {
  Stream stream = Stream::create(cpu);
  for (int n = 0; n < 5; ++n)
    note(stream, n);
  EXPECT_FALSE(stream.done());
  EXPECT_THAT(done(), ElementsAre());
  (*kernel)(7); // outside the scope: the default stream, so at once
  EXPECT_THAT(done(), ElementsAre(7));
  open();
  stream.synchronize();
  EXPECT_TRUE(stream.done());
  EXPECT_THAT(done(), ElementsAre(7, 0, 1, 2, 3, 4));
}

TEST_F(StreamTest, StreamsDoNotWaitForEachOther) {
  Stream a = Stream::create(cpu), b = Stream::create(cpu);
  note(a, 0); // held up
  note(b, 1);
  b.synchronize();
  EXPECT_THAT(done(), ElementsAre(1));
  EXPECT_FALSE(a.done());
  open();
}

TEST_F(StreamTest, EventsOrderStreams) {
  Stream a = Stream::create(cpu), b = Stream::create(cpu);
  note(a, 0);
  Event event = a.record();
  b.wait(event);
  note(b, 1);
  EXPECT_FALSE(event.done());
  EXPECT_FALSE(b.done());
  open();
  b.synchronize();
  EXPECT_TRUE(event.done());
  EXPECT_THAT(done(), ElementsAre(0, 1));
  // Of the default stream: reached when it is recorded, waited for by the host.
  Event now = Stream::default_of(cpu).record();
  EXPECT_TRUE(now.done());
  EXPECT_GE(now.milliseconds_since(event), 0);
  note(a, 2);
  Stream::default_of(cpu).wait(a.record());
  EXPECT_EQ(done().back(), 2);
}

TEST_F(StreamTest, ScopesNestAndAreTheThreadsOwn) {
  Stream a = Stream::create(cpu), b = Stream::create(cpu);
  StreamScope outer(a);
  {
    StreamScope inner(b);
    note(Stream::current(cpu), 0);
    EXPECT_FALSE(b.done());
    std::thread([&] { (*kernel)(5); }).join(); // at once
    EXPECT_THAT(done(), ElementsAre(5));
  }
  (*kernel)(6);
  a.synchronize();
  EXPECT_THAT(done(), ElementsAre(5, 6));
  open();
}

TEST_F(StreamTest, TheFirstErrorWaitsForWhoSynchronizes) {
  Stream stream = Stream::create(cpu);
  note(stream, -1);
  note(stream, 2);
  EXPECT_THAT([&] { stream.synchronize(); },
              ThrowsMessage<BackendError>(HasSubstr("note: an assert")));
  EXPECT_THAT(done(), ElementsAre(-1, 2)); // what lay behind has run
  stream.synchronize();                    // told once
  note(stream, -3);
  EXPECT_THAT([] { Device::cpu().synchronize(); },
              ThrowsMessage<BackendError>(HasSubstr("note: an assert")));
  stream.synchronize();
}

TEST_F(StreamTest, AnErrorThatNobodyFetchesIsPrinted) {
  testing::internal::CaptureStderr();
  {
    Stream stream = Stream::create(cpu);
    note(stream, -1);
  }
  EXPECT_THAT(testing::internal::GetCapturedStderr(),
              HasSubstr("nobody synchronized: note: an assert"));
}

TEST_F(StreamTest, TheLastHandleWaits) {
  std::thread opener;
  {
    Stream stream = Stream::create(cpu);
    note(stream, 0);
    note(stream, 1);
    opener = std::thread([&] { open(); });
  }
  opener.join();
  EXPECT_THAT(done(), ElementsAre(0, 1));
}

TEST_F(StreamTest, TheDeviceWaitsForAllOfThem) {
  std::vector<Stream> streams;
  for (int n = 1; n < 5; ++n) {
    streams.push_back(Stream::create(cpu));
    note(streams.back(), n);
  }
  cpu.synchronize();
  EXPECT_THAT(done(), testing::UnorderedElementsAre(1, 2, 3, 4));
}

TEST_F(StreamTest, AQueuedLaunchKeepsWhatItMade) {
  Kernel probe = Module::from_source("probe").kernel("probe");
  Tensor x = Tensor::ones({64});
  Stream stream = Stream::create(cpu);
  probe_runs = 0;
  {
    note(stream, 0);
    StreamScope scope(stream);
    probe(x); // its output is nobody's but the launch's
    Launch prepared = probe.prepare(x);
    prepared();
  }
  open();
  stream.synchronize();
  EXPECT_EQ(probe_runs, 128);
}

TEST_F(StreamTest, AHostThatIsFasterWaits) {
  Stream stream = Stream::create(cpu);
  note(stream, 0);
  std::atomic<int> queued = 0;
  std::thread host([&] {
    for (int n = 0; n < 5000; ++n, ++queued)
      note(stream, 1);
  });
  while (queued < 1000)
    std::this_thread::yield();
  EXPECT_LE(queued, 1025);
  open();
  host.join();
  stream.synchronize();
  EXPECT_EQ(done().size(), 5001u);
}

TEST_F(StreamTest, OnlyAGpusStreamIsWrapped) {
  EXPECT_THAT([] { Stream::wrap(Device::cpu(), nullptr); },
              ThrowsMessage<InvalidArgument>(HasSubstr("found the device")));
  EXPECT_EQ(Stream::create(cpu).handle(), nullptr);
  EXPECT_THROW(Stream::create(Device::sim(15)), Unsupported);
}

} // namespace
