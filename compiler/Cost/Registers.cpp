#include "compiler/Cost/Registers.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/PostOrderIterator.h"
#include "llvm/IR/CFG.h"
#include "llvm/IR/Instructions.h"
#include "llvm/IR/Module.h"

using namespace llvm;

namespace attn_grid::compiler {

/// 32-bit registers of a type. Predicates have registers of their own, and
/// addresses of shared memory 32 bits.
static unsigned wordsOf(Type *type) {
  if (auto *structure = dyn_cast<StructType>(type)) {
    unsigned words = 0;
    for (Type *element : structure->elements())
      words += wordsOf(element);
    return words;
  }
  if (auto *pointer = dyn_cast<PointerType>(type))
    return pointer->getAddressSpace() == 3 ? 1 : 2;
  if (type->isIntegerTy(1))
    return 0;
  return static_cast<unsigned>((type->getPrimitiveSizeInBits() + 31) / 32);
}

/// The value that has to be kept for another: an address at a constant distance
/// is part of the instruction that uses it.
static const Value *keptFor(const Value *value) {
  while (true) {
    auto *step = dyn_cast<GetElementPtrInst>(value);
    if (step && step->hasAllConstantIndices())
      value = step->getPointerOperand();
    else if (auto *cast = dyn_cast<AddrSpaceCastInst>(value))
      value = cast->getPointerOperand();
    else
      return value;
  }
}

/// Is it kept in registers? Constants and parameters are not; of several
/// results at once the members are.
static bool isCounted(const Value *value) {
  return isa<Instruction>(value) && !value->getType()->isVoidTy() &&
         !(value->getType()->isStructTy() &&
           all_of(value->users(), IsaPred<ExtractValueInst>));
}

using Live = SmallDenseSet<const Value *, 64>;

/// Goes through a block from its end; `live` holds what lives behind it, then
/// what lives before it. Calls `see` between instructions.
template <typename See>
static void walk(const BasicBlock &block, Live &live, See see) {
  for (const Instruction &instruction : reverse(block)) {
    live.erase(&instruction);
    if (isa<PHINode>(instruction))
      continue; // its operands live at the ends of other blocks
    if (keptFor(&instruction) != &instruction)
      continue;
    for (const Value *operand : instruction.operands())
      if (const Value *kept = keptFor(operand); isCounted(kept))
        live.insert(kept);
    see();
  }
}

static unsigned mostLive(const Function &function) {
  DenseMap<const BasicBlock *, Live> atBegin;
  auto atEnd = [&](const BasicBlock &block) {
    Live live;
    for (const BasicBlock *next : successors(&block)) {
      for (const Value *value : atBegin[next])
        live.insert(value);
      for (const PHINode &phi : next->phis())
        if (const Value *kept = keptFor(phi.getIncomingValueForBlock(&block));
            isCounted(kept))
          live.insert(kept);
    }
    return live;
  };
  for (bool changed = true; changed;) {
    changed = false;
    for (const BasicBlock *block : post_order(&function)) {
      Live live = atEnd(*block);
      walk(*block, live, [] {});
      Live &known = atBegin[block];
      if (live.size() != known.size()) { // it only grows
        known = std::move(live);
        changed = true;
      }
    }
  }
  unsigned most = 0;
  for (const BasicBlock &block : function) {
    Live live = atEnd(block);
    walk(block, live, [&] {
      unsigned words = 0;
      for (const Value *value : live)
        words += wordsOf(value->getType());
      most = std::max(most, words);
    });
  }
  return most;
}

unsigned estimateRegisters(Module &module) {
  unsigned most = 0;
  for (const Function &function : module)
    if (!function.isDeclaration())
      most = std::max(most, mostLive(function));
  // Addresses, counters and the results of the instruction at hand.
  constexpr unsigned beside = 8;
  return std::min(most + beside, 255u);
}

} // namespace attn_grid::compiler
