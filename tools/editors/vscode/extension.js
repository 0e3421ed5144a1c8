// Starts `agc lsp` for the .ag files that are open.
const { workspace } = require("vscode");
const { LanguageClient } = require("vscode-languageclient/node");

let client;

exports.activate = () => {
  const command = workspace.getConfiguration("ag").get("server");
  client = new LanguageClient(
    "ag",
    "AttentionGrid kernels",
    { command, args: ["lsp"] },
    { documentSelector: [{ language: "ag" }] }
  );
  return client.start();
};

exports.deactivate = () => client && client.stop();
