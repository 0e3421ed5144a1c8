// Graphs: the work of streams, captured instead of done, and done as often as
// the graph is launched, in the order in which it was given.

#include "runtime/sim/Driver.h"

#include <algorithm>

namespace attn_grid::sim {

/// A graph that can be launched.
struct GraphExec {
  std::vector<std::function<CUresult()>> nodes;
};

static bool isDefault(CUstream stream) {
  return reinterpret_cast<uintptr_t>(stream) <= 2;
}

CUresult checkNothingIsCaptured() {
  std::lock_guard lock(state()->captureMutex);
  for (const std::shared_ptr<Graph> &graph : state()->captures)
    graph->isBroken = true;
  return state()->captures.empty() ? CUDA_SUCCESS
                                   : CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
}

/// The default stream waits for others, which cannot be captured.
static CUresult breakCapturesOfBlockingStreams() {
  CUresult result = CUDA_SUCCESS;
  for (const std::shared_ptr<Graph> &graph : state()->captures)
    for (const Stream *stream : graph->streams)
      if (stream->blocks) {
        graph->isBroken = true;
        result = CUDA_ERROR_STREAM_CAPTURE_IMPLICIT;
      }
  return result;
}

CUresult enqueue(CUstream stream, std::function<CUresult()> work) {
  {
    std::lock_guard lock(state()->captureMutex);
    if (isDefault(stream)) {
      if (CUresult wrong = breakCapturesOfBlockingStreams())
        return wrong;
    } else {
      auto *found = object<Stream>(stream);
      if (!found)
        return CUDA_ERROR_INVALID_HANDLE;
      if (found->capture) {
        if (found->capture->isBroken)
          return CUDA_ERROR_STREAM_CAPTURE_INVALIDATED;
        found->capture->nodes.push_back(std::move(work));
        return CUDA_SUCCESS;
      }
    }
  }
  return work();
}

AG_SIM_EXPORT CUresult cuStreamBeginCapture_v2(CUstream stream, int mode) {
  return withDevice([&](Device &) -> CUresult {
    auto *found = object<Stream>(stream);
    if (isDefault(stream) || !found)
      return isDefault(stream) ? CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED
                               : CUDA_ERROR_INVALID_HANDLE;
    if (mode < 0 || mode > 2)
      return CUDA_ERROR_INVALID_VALUE;
    std::lock_guard lock(state()->captureMutex);
    if (found->capture)
      return CUDA_ERROR_INVALID_VALUE;
    auto graph = std::make_shared<Graph>();
    graph->streams.push_back(found);
    state()->captures.push_back(graph);
    found->capture = std::move(graph);
    return CUDA_SUCCESS;
  });
}

AG_SIM_EXPORT CUresult cuStreamEndCapture(CUstream stream, CUgraph *made) {
  return withDevice([&](Device &) -> CUresult {
    auto *found = object<Stream>(stream);
    if (!found || !made)
      return found ? CUDA_ERROR_INVALID_VALUE : CUDA_ERROR_INVALID_HANDLE;
    *made = nullptr;
    std::lock_guard lock(state()->captureMutex);
    std::shared_ptr<Graph> graph = found->capture;
    if (!graph)
      return CUDA_ERROR_INVALID_VALUE;
    if (graph->streams.front() != found)
      return CUDA_ERROR_STREAM_CAPTURE_UNMATCHED;
    for (Stream *captured : graph->streams)
      captured->capture = nullptr;
    std::erase(state()->captures, graph);
    graph->streams.clear();
    if (graph->isBroken)
      return CUDA_ERROR_STREAM_CAPTURE_INVALIDATED;
    *made = publish<CUgraph>(new Graph{std::move(graph->nodes), {}, false});
    return CUDA_SUCCESS;
  });
}

/// 0: no; 1: yes; 2: yes, but it is broken.
AG_SIM_EXPORT CUresult cuStreamIsCapturing(CUstream stream, int *status) {
  return withDevice([&](Device &) -> CUresult {
    if (!status)
      return CUDA_ERROR_INVALID_VALUE;
    *status = 0;
    if (isDefault(stream))
      return CUDA_SUCCESS;
    auto *found = object<Stream>(stream);
    if (!found)
      return CUDA_ERROR_INVALID_HANDLE;
    std::lock_guard lock(state()->captureMutex);
    if (found->capture)
      *status = found->capture->isBroken ? 2 : 1;
    return CUDA_SUCCESS;
  });
}

AG_SIM_EXPORT CUresult cuGraphInstantiateWithFlags(CUgraphExec *made,
                                                   CUgraph graph,
                                                   unsigned long long) {
  return withDevice([&](Device &) -> CUresult {
    auto *found = object<Graph>(graph);
    if (!found || !made)
      return CUDA_ERROR_INVALID_VALUE;
    *made = publish<CUgraphExec>(new GraphExec{found->nodes});
    return CUDA_SUCCESS;
  });
}
AG_SIM_EXPORT CUresult cuGraphInstantiate_v2(CUgraphExec *made, CUgraph graph,
                                             void **, char *, size_t) {
  return cuGraphInstantiateWithFlags(made, graph, 0);
}
AG_SIM_EXPORT CUresult cuGraphLaunch(CUgraphExec graph, CUstream stream) {
  return withDevice([&](Device &) -> CUresult {
    auto *found = object<GraphExec>(graph);
    if (!found)
      return CUDA_ERROR_INVALID_VALUE;
    return enqueue(stream, [nodes = found->nodes]() -> CUresult {
      for (const std::function<CUresult()> &node : nodes)
        if (CUresult wrong = node())
          return wrong;
      return CUDA_SUCCESS;
    });
  });
}
/// Only how many there are: nodes are not objects here.
AG_SIM_EXPORT CUresult cuGraphGetNodes(CUgraph graph, void **nodes,
                                       size_t *count) {
  return withDevice([&](Device &) -> CUresult {
    auto *found = object<Graph>(graph);
    if (!found || !count)
      return CUDA_ERROR_INVALID_VALUE;
    if (nodes)
      return CUDA_ERROR_NOT_SUPPORTED;
    *count = found->nodes.size();
    return CUDA_SUCCESS;
  });
}
AG_SIM_EXPORT CUresult cuGraphExecDestroy(CUgraphExec graph) {
  return take<GraphExec>(graph) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}
AG_SIM_EXPORT CUresult cuGraphDestroy(CUgraph graph) {
  return take<Graph>(graph) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

} // namespace attn_grid::sim
