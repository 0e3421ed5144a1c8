#ifndef AG_COMPILER_LANGUAGESERVER_SERVER_H
#define AG_COMPILER_LANGUAGESERVER_SERVER_H
/// The language server: JSON-RPC over two streams, one message after the other.
///
///     return Server(std::cin, std::cout, makeContext).run();
///
/// Nothing that arrives ends it but the end of its input, `exit`, and a stream
/// in which no message begins any more.

#include "compiler/LanguageServer/Document.h"
#include "compiler/LanguageServer/Transport.h"

namespace attn_grid::compiler::lsp {

class Server {
public:
  Server(std::istream &in, std::ostream &out, ContextMaker makeContext)
      : in(in), out(out), makeContext(std::move(makeContext)) {}

  /// Serves until the client leaves. The exit status: 0 if it said `shutdown`
  /// first, else 1.
  int run();

private:
  /// The protocol's error codes.
  enum class ErrorCode : int {
    parseError = -32700,
    invalidRequest = -32600,
    methodNotFound = -32601,
    invalidParams = -32602,
    notInitialized = -32002,
  };
  using Answer = Json (*)(const Document &, uint32_t offset);

  std::istream &in;
  std::ostream &out;
  ContextMaker makeContext;
  std::map<std::string, Document> documents; // by URI
  bool initialized = false, shutDown = false, left = false;

  void receive(const std::string &text);
  void request(const Json &id, const std::string &method, const Json &params);
  void notification(const std::string &method, const Json &params);
  void reply(const Json &id, Json result);
  void fail(const Json &id, ErrorCode code, const std::string &message);
  Json capabilities() const;

  void open(const std::string &uri, std::string text);
  void close(const std::string &uri);
  void publish(const std::string &uri, Json diagnostics);
  const Document *documentOf(const Json &params) const;
  /// Answers a request about a place in a document.
  void answerAt(const Json &id, const Json &params, Answer answer);
};

} // namespace attn_grid::compiler::lsp

#endif
