"""Drives `agc lsp` as an editor does, and tells what it answers.

    with Client(["agc", "lsp"]) as client:
        client.start()
        client.open("file:///k.ag", "kernel k() grid (1) {}")
        print(client.hover("file:///k.ag", 0, 8))

A server that ends, or does not answer in time, raises.
"""
import json
import queue
import subprocess
import threading


class Client:
    def __init__(self, command, timeout=60):
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self.timeout = timeout
        self.next_id = 0
        self.messages = queue.Queue()
        self.diagnostics = {}  # the last that were published, by URI
        threading.Thread(target=self._read, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def _read(self):
        out = self.process.stdout
        while header := out.readline():
            length = int(header.split(b":")[1])
            out.readline()
            self.messages.put(json.loads(out.read(length)))
        self.messages.put(None)

    def receive(self):
        message = self.messages.get(timeout=self.timeout)
        assert message is not None, "the server has ended"
        if message.get("method") == "textDocument/publishDiagnostics":
            params = message["params"]
            self.diagnostics[params["uri"]] = params["diagnostics"]
        return message

    def send_bytes(self, content):
        self.process.stdin.write(content)
        self.process.stdin.flush()

    def send_text(self, text):
        content = text.encode()
        self.send_bytes(b"Content-Length: %d\r\n\r\n" % len(content) + content)

    def send(self, **message):
        self.send_text(json.dumps({"jsonrpc": "2.0", **message}))

    def notify(self, method, params=None):
        self.send(method=method, params=params)

    def request(self, method, params=None):
        """The whole answer: its `result` or its `error`."""
        self.next_id += 1
        self.send(id=self.next_id, method=method, params=params)
        while True:
            message = self.receive()
            if message.get("id") == self.next_id:
                return message

    def start(self):
        answer = self.request("initialize", {"processId": None, "capabilities": {}})
        self.notify("initialized", {})
        return answer["result"]

    def stop(self):
        """Leaves as an editor should; gives the exit status."""
        self.request("shutdown")
        self.notify("exit")
        return self.process.wait(self.timeout)

    def open(self, uri, text):
        document = {"uri": uri, "languageId": "ag", "version": 1, "text": text}
        self.notify("textDocument/didOpen", {"textDocument": document})
        return self._published(uri)

    def change(self, uri, text):
        self.notify(
            "textDocument/didChange",
            {"textDocument": {"uri": uri}, "contentChanges": [{"text": text}]},
        )
        return self._published(uri)

    def _published(self, uri):
        while True:
            message = self.receive()
            if message.get("params", {}).get("uri") == uri:
                return self.diagnostics[uri]

    def at(self, method, uri, line, character):
        params = {
            "textDocument": {"uri": uri},
            "position": {"line": line, "character": character},
        }
        return self.request("textDocument/" + method, params)["result"]

    def about(self, method, uri):
        params = {"textDocument": {"uri": uri}, "options": {"tabSize": 2}}
        return self.request("textDocument/" + method, params)["result"]
