#include "compiler/LanguageServer/Server.h"

#include "compiler/LanguageServer/Answers.h"
#include "compiler/LanguageServer/Place.h"

namespace attn_grid::compiler::lsp {

int Server::run() {
  std::string text;
  while (!left && readMessage(in, text) == ReadStatus::message)
    receive(text);
  return left && shutDown ? 0 : 1;
}

void Server::reply(const Json &id, Json result) {
  writeMessage(out,
               {{"jsonrpc", "2.0"}, {"id", id}, {"result", std::move(result)}});
}

void Server::fail(const Json &id, ErrorCode code, const std::string &message) {
  writeMessage(
      out,
      {{"jsonrpc", "2.0"},
       {"id", id},
       {"error", {{"code", static_cast<int>(code)}, {"message", message}}}});
}

void Server::receive(const std::string &text) {
  Json message = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (message.is_discarded())
    return fail(nullptr, ErrorCode::parseError, "this is not JSON");
  const Json &id = member(message, "id");
  bool isRequest = id.is_string() || id.is_number();
  std::optional<std::string> method = asString(member(message, "method"));
  if (method && isRequest)
    return request(id, *method, member(message, "params"));
  if (method && id.is_null())
    return notification(*method, member(message, "params"));
  // What has a result is the answer to a question that we never ask.
  if (!message.is_object() || !message.contains("result"))
    fail(isRequest ? id : Json(), ErrorCode::invalidRequest,
         "this is not a request");
}

Json Server::capabilities() const {
  return {{"positionEncoding", "utf-16"},
          {"textDocumentSync", {{"openClose", true}, {"change", 1}}},
          {"hoverProvider", true},
          {"definitionProvider", true},
          {"completionProvider", {{"triggerCharacters", {"."}}}},
          {"documentSymbolProvider", true},
          {"documentFormattingProvider", true}};
}

void Server::request(const Json &id, const std::string &method,
                     const Json &params) {
  if (method == "initialize") {
    initialized = true;
    return reply(id, {{"capabilities", capabilities()},
                      {"serverInfo", {{"name", "agc"}}}});
  }
  if (!initialized)
    return fail(id, ErrorCode::notInitialized, "`initialize` comes first");
  if (method == "shutdown") {
    shutDown = true;
    return reply(id, nullptr);
  }
  if (shutDown)
    return fail(id, ErrorCode::invalidRequest, "the server is shut down");
  if (method == "textDocument/hover")
    return answerAt(id, params, hoverAt);
  if (method == "textDocument/definition")
    return answerAt(id, params, definitionAt);
  if (method == "textDocument/completion")
    return answerAt(id, params, completionAt);
  bool outline = method == "textDocument/documentSymbol";
  if (!outline && method != "textDocument/formatting")
    return fail(id, ErrorCode::methodNotFound,
                "there is no method '" + method + "'");
  const Document *document = documentOf(params);
  if (!document)
    return fail(id, ErrorCode::invalidParams, "the document is not open");
  reply(id, outline ? outlineOf(*document) : formatEdits(*document));
}

void Server::answerAt(const Json &id, const Json &params, Answer answer) {
  const Document *document = documentOf(params);
  if (!document)
    return fail(id, ErrorCode::invalidParams, "the document is not open");
  std::optional<uint32_t> offset = offsetOf(
      document->sources(), document->file(), member(params, "position"));
  if (!offset)
    return fail(id, ErrorCode::invalidParams, "expected a position");
  reply(id, answer(*document, *offset));
}

void Server::notification(const std::string &method, const Json &params) {
  if (method == "exit")
    left = true;
  if (!initialized || shutDown || left)
    return;
  std::optional<std::string> uri =
      asString(member(params, "textDocument", "uri"));
  if (!uri)
    return;
  if (method == "textDocument/didOpen") {
    if (auto text = asString(member(params, "textDocument", "text")))
      open(*uri, std::move(*text));
  } else if (method == "textDocument/didChange") {
    const Json &changes = member(params, "contentChanges");
    if (!changes.is_array() || changes.empty())
      return;
    // Each change has the whole text.
    if (auto text = asString(member(changes.back(), "text")))
      open(*uri, std::move(*text));
  } else if (method == "textDocument/didClose") {
    close(*uri);
  }
}

void Server::open(const std::string &uri, std::string text) {
  Document &document = documents.try_emplace(uri, pathOf(uri)).first->second;
  document.update(std::move(text), makeContext);
  publish(uri, diagnosticsOf(document));
}

void Server::close(const std::string &uri) {
  if (documents.erase(uri))
    publish(uri, Json::array());
}

void Server::publish(const std::string &uri, Json diagnostics) {
  writeMessage(
      out,
      {{"jsonrpc", "2.0"},
       {"method", "textDocument/publishDiagnostics"},
       {"params", {{"uri", uri}, {"diagnostics", std::move(diagnostics)}}}});
}

const Document *Server::documentOf(const Json &params) const {
  std::optional<std::string> uri =
      asString(member(params, "textDocument", "uri"));
  auto found = uri ? documents.find(*uri) : documents.end();
  return found == documents.end() ? nullptr : &found->second;
}

} // namespace attn_grid::compiler::lsp
