#include "compiler/Target/SingleLaneStores.h"

#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/IntrinsicInst.h"
#include "llvm/IR/Module.h"

#include <optional>

namespace attn_grid::compiler {

/// The only lane of a constant mask that is set, if there is just one.
static std::optional<unsigned> onlyLane(llvm::Value *mask) {
  auto *constant = llvm::dyn_cast<llvm::Constant>(mask);
  auto *type = llvm::dyn_cast<llvm::FixedVectorType>(mask->getType());
  if (!constant || !type)
    return std::nullopt;
  std::optional<unsigned> only;
  for (unsigned lane = 0; lane < type->getNumElements(); ++lane) {
    llvm::Constant *bit = constant->getAggregateElement(lane);
    if (!bit || !llvm::isa<llvm::ConstantInt>(bit))
      return std::nullopt;
    if (bit->isNullValue())
      continue;
    if (only)
      return std::nullopt;
    only = lane;
  }
  return only;
}

void storeSingleLanes(llvm::Module &module) {
  llvm::SmallVector<llvm::IntrinsicInst *> stores;
  for (llvm::Function &function : module)
    for (llvm::Instruction &instruction : llvm::instructions(function))
      if (auto *call = llvm::dyn_cast<llvm::IntrinsicInst>(&instruction))
        if (call->getIntrinsicID() == llvm::Intrinsic::masked_store)
          stores.push_back(call);
  for (llvm::IntrinsicInst *store : stores) {
    std::optional<unsigned> lane = onlyLane(store->getArgOperand(2));
    if (!lane)
      continue;
    llvm::IRBuilder<> b(store);
    llvm::Value *element = b.CreateExtractElement(store->getArgOperand(0),
                                                  static_cast<uint64_t>(*lane));
    uint64_t bytes =
        module.getDataLayout().getTypeStoreSize(element->getType());
    llvm::Align all = store->getParamAlign(1).valueOrOne();
    b.CreateAlignedStore(element,
                         b.CreateConstGEP1_64(element->getType(),
                                              store->getArgOperand(1), *lane),
                         llvm::commonAlignment(all, *lane * bytes));
    store->eraseFromParent();
  }
}

} // namespace attn_grid::compiler
