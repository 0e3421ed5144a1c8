// RUN: ag-opt %s -canonicalize | FileCheck %s

// Over a splat, `any` and `all` are the splat's value...
// CHECK-LABEL: func @any_of_splat_to_scalar
// CHECK: %[[TRUE:.*]] = arith.constant true
// CHECK: return %[[TRUE]]
func.func @any_of_splat_to_scalar() -> i1 {
  %m = arith.constant dense<true> : tensor<4x4xi1>
  %r = ag.reduce any %m axes [0, 1] : tensor<4x4xi1> -> i1
  return %r : i1
}

// ...a tile of it if axes are left.
// CHECK-LABEL: func @all_of_splat_to_tile
// CHECK: %[[FALSE:.*]] = arith.constant dense<false> : tensor<4xi1>
// CHECK: return %[[FALSE]]
func.func @all_of_splat_to_tile() -> tensor<4xi1> {
  %m = arith.constant dense<false> : tensor<4x8xi1>
  %r = ag.reduce all %m axes [1] : tensor<4x8xi1> -> tensor<4xi1>
  return %r : tensor<4xi1>
}

// A sum of a splat is not its value.
// CHECK-LABEL: func @no_fold_sum_of_splat
// CHECK: ag.reduce sum
func.func @no_fold_sum_of_splat() -> f32 {
  %x = arith.constant dense<1.0> : tensor<8xf32>
  %r = ag.reduce sum %x axes [0] : tensor<8xf32> -> f32
  return %r : f32
}

// CHECK-LABEL: func @no_fold_any_of_mixed
// CHECK: ag.reduce any
func.func @no_fold_any_of_mixed() -> i1 {
  %m = arith.constant dense<[true, false]> : tensor<2xi1>
  %r = ag.reduce any %m axes [0] : tensor<2xi1> -> i1
  return %r : i1
}
