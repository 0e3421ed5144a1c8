#ifndef AG_TEST_RUNTIME_FAKECOMPILER_H
#define AG_TEST_RUNTIME_FAKECOMPILER_H
/// A compiler whose kernels are written in C++, so that launches are tested
/// without LLVM.

#include "attn_grid/attn_grid.hpp"
#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace attn_grid::test {

/// Expressions by hand.
Expr extent(int index, std::string text);
Expr constant(int index, std::string text);
Expr scalar(int index, std::string text);
Expr literal(int64_t value);
Expr literal(double value);
Expr boolean_literal(bool value);
Expr unary(Expr::Op op, Expr a, std::string text = "");
Expr binary(Expr::Op op, Expr a, Expr b, std::string text = "");

/// A source of kernels: their signatures and how to compile them.
class FakeProgram : public Program {
public:
  const std::vector<Signature> &signatures() const override { return list; }
  CompileResult compile(const Specialization &what,
                        const Target &target) const override;

  std::vector<Signature> list;
  std::function<CompileResult(const Specialization &)> on_compile;
  mutable std::atomic<int> compiles = 0;
  bool keeps_asked = true;
  /// Every specialization asked for, if they are kept.
  std::vector<Specialization> asked() const;

private:
  mutable std::mutex mutex_;
  mutable std::vector<Specialization> asked_;
};

/// Registers itself while it lives. The source text is the program's name.
class FakeCompiler : public Compiler {
public:
  FakeCompiler() { set_compiler(this); }
  ~FakeCompiler() override { set_compiler(nullptr); }
  ParseResult parse(std::string_view source, std::string_view name,
                    const std::vector<std::string> &include_dirs,
                    const std::vector<SourceFile> &imports,
                    const FunctionBindings &functions) override;

  std::map<std::string, std::shared_ptr<FakeProgram>, std::less<>> programs;
};

/// `flash_fwd` of language.md section 1 as an f32 loop in C++.
std::shared_ptr<FakeProgram> make_flash();

/// `probe<T: any, const C: int = 3>(x: tensor<T>[N], out y: tensor<T>[N] =
/// fill)` and whatever a test adds; its entry counts programs in `probe_runs`.
Signature probe_signature();
extern std::atomic<int64_t> probe_runs;
/// Which program numbers ran, when not null.
extern std::vector<std::atomic<int>> *probe_seen;
void probe_entry(const void *args, uint32_t begin, uint32_t end, ag_context *);

/// A program of one kernel that runs `entry`, without slots.
std::shared_ptr<FakeProgram> make_program(Signature signature,
                                          Artifact::CpuEntry entry,
                                          std::vector<Slot> slots = {});

} // namespace attn_grid::test

#endif
