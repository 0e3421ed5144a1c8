// RUN: ag-opt %s --ag-approximate-math --split-input-file | FileCheck %s --check-prefixes=CHECK,GENERIC
// RUN: ag-opt %s --ag-approximate-math=avx512=true --split-input-file | FileCheck %s --check-prefixes=CHECK,AVX512

// The hot one: with AVX-512 two special instructions and five steps of Horner's
// rule, else the power of two comes from a shift.
// CHECK-LABEL: @exp2_generic
// AVX512:         %[[F:.*]] = llvm.call_intrinsic "llvm.x86.avx512.mask.reduce.ps.512"(%{{.*}}) : (vector<16xf32>, i32, vector<16xf32>, i16, i32) -> vector<16xf32>
// AVX512-COUNT-5: math.fma
// AVX512:         %[[SCALED:.*]] = llvm.call_intrinsic "llvm.x86.avx512.mask.scalef.ps.512"
// AVX512:         %[[NORMAL:.*]] = arith.cmpf uge
// AVX512:         arith.select %[[NORMAL]], %[[SCALED]]
// GENERIC-NOT:    call_intrinsic
// GENERIC:        arith.shli
// GENERIC-COUNT-5: math.fma
// GENERIC:        arith.mulf
// GENERIC-NEXT:   return
func.func @exp2_generic(%x: vector<16xf32>) -> vector<16xf32> {
  %y = math.exp2 %x : vector<16xf32>
  return %y : vector<16xf32>
}

// -----

// 64 rows are four registers; cutting them costs nothing.
// CHECK-LABEL: @exp2_four_registers
// AVX512-COUNT-4: "llvm.x86.avx512.mask.reduce.ps.512"
// AVX512-COUNT-4: "llvm.x86.avx512.mask.scalef.ps.512"
func.func @exp2_four_registers(%x: vector<64xf32>) -> vector<64xf32> {
  %y = math.exp2 %x : vector<64xf32>
  return %y : vector<64xf32>
}

// -----

// CHECK-LABEL: @exp_f64
// AVX512: math.floor
// AVX512: "llvm.x86.avx512.mask.scalef.pd.256"
func.func @exp_f64(%x: vector<4xf64>) -> vector<4xf64> {
  %y = math.exp %x : vector<4xf64>
  return %y : vector<4xf64>
}

// -----

// Three lanes fill no register: the generic form, for all machines.
// CHECK-LABEL: @exp2_odd_lanes
// CHECK-NOT: call_intrinsic
// CHECK: arith.shli %{{.*}} : vector<3xi32>
func.func @exp2_odd_lanes(%x: vector<3xf32>) -> vector<3xf32> {
  %y = math.exp2 %x : vector<3xf32>
  return %y : vector<3xf32>
}

// -----

// 16-bit floats compute in f32 and round once.
// CHECK-LABEL: @tanh_bf16
// CHECK-SAME: (%[[X:.*]]: bf16)
// CHECK: arith.extf %[[X]] : bf16 to f32
// CHECK: %[[Y:.*]] = arith.truncf %{{.*}} : f32 to bf16
// CHECK-NEXT: return %[[Y]]
func.func @tanh_bf16(%x: bf16) -> bf16 {
  %y = math.tanh %x : bf16
  return %y : bf16
}

// -----

// 1 / sqrt(x), not the estimate some machines have.
// CHECK-LABEL: @rsqrt
// CHECK: %[[ROOT:.*]] = math.sqrt
// CHECK: arith.divf %{{.*}}, %[[ROOT]]
func.func @rsqrt(%x: f32) -> f32 {
  %y = math.rsqrt %x : f32
  return %y : f32
}

// -----

// LLVM must not estimate it.
// CHECK-LABEL: @rcp
// CHECK: arith.divf %{{.*}}, %{{.*}} : f32
func.func @rcp(%x: f32) -> f32 {
  %one = arith.constant 1.0 : f32
  %y = arith.divf %one, %x fastmath<arcp> : f32
  return %y : f32
}

// -----

// Halves go away from zero: trunc(x + copysign(0.49999997, x)).
// CHECK-LABEL: @round
// CHECK: arith.constant 0.49999997
// CHECK: math.copysign
// CHECK: arith.addf
// CHECK: math.trunc
func.func @round(%x: f32) -> f32 {
  %y = math.round %x : f32
  return %y : f32
}

// -----

// Whatever the options, no function is left that would become a call.
// CHECK-LABEL: @others
// CHECK-NOT: math.{{cos|erf|log|log2|sin}} %
// CHECK: return
func.func @others(%x: vector<8xf32>, %z: f64) -> (vector<8xf32>, f64) {
  %0 = math.sin %x : vector<8xf32>
  %1 = math.cos %0 : vector<8xf32>
  %2 = math.erf %1 : vector<8xf32>
  %3 = math.log %2 : vector<8xf32>
  %4 = math.log2 %z : f64
  return %3, %4 : vector<8xf32>, f64
}

// -----

// What is an instruction stays.
// CHECK-LABEL: @native
// CHECK: math.sqrt
// CHECK: math.floor
// CHECK: math.ceil
// CHECK: math.roundeven
// CHECK: math.absf
// CHECK: math.fma
func.func @native(%x: f32) -> f32 {
  %0 = math.sqrt %x : f32
  %1 = math.floor %0 : f32
  %2 = math.ceil %1 : f32
  %3 = math.roundeven %2 : f32
  %4 = math.absf %3 : f32
  %5 = math.fma %4, %x, %x : f32
  return %5 : f32
}

// -----

// Tensors have no such form: they are left to whoever makes vectors of them.
// CHECK-LABEL: @tensor
// CHECK: math.exp %{{.*}} : tensor<4xf32>
func.func @tensor(%x: tensor<4xf32>) -> tensor<4xf32> {
  %y = math.exp %x : tensor<4xf32>
  return %y : tensor<4xf32>
}
