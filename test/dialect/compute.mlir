// RUN: ag-opt %s | ag-opt | FileCheck %s
// RUN: ag-opt %s -mlir-print-op-generic | ag-opt | FileCheck %s

// Sums of f16 are f32.
// CHECK-LABEL: func @dot_f16
// CHECK: ag.dot %{{.*}}, %{{.*}}, %{{.*}} : tensor<64x128xf16>, tensor<128x32xf16>, tensor<64x32xf32>
func.func @dot_f16(%a: tensor<64x128xf16>, %b: tensor<128x32xf16>, %c: tensor<64x32xf32>) -> tensor<64x32xf32> {
  %s = ag.dot %a, %b, %c : tensor<64x128xf16>, tensor<128x32xf16>, tensor<64x32xf32>
  return %s : tensor<64x32xf32>
}

// CHECK-LABEL: func @dot_f64
// CHECK: ag.dot {{.*}} : tensor<2x4xf64>, tensor<4x8xf64>, tensor<2x8xf64>
func.func @dot_f64(%a: tensor<2x4xf64>, %b: tensor<4x8xf64>, %c: tensor<2x8xf64>) -> tensor<2x8xf64> {
  %s = ag.dot %a, %b, %c : tensor<2x4xf64>, tensor<4x8xf64>, tensor<2x8xf64>
  return %s : tensor<2x8xf64>
}

// Sums of i8 are i32, of i64 i64.
// CHECK-LABEL: func @dot_integers
// CHECK: ag.dot {{.*}} : tensor<2x4xi8>, tensor<4x8xi8>, tensor<2x8xi32>
// CHECK: ag.dot {{.*}} : tensor<1x1xi64>, tensor<1x1xi64>, tensor<1x1xi64>
func.func @dot_integers(%a: tensor<2x4xi8>, %b: tensor<4x8xi8>, %c: tensor<2x8xi32>, %d: tensor<1x1xi64>) -> (tensor<2x8xi32>, tensor<1x1xi64>) {
  %s = ag.dot %a, %b, %c : tensor<2x4xi8>, tensor<4x8xi8>, tensor<2x8xi32>
  %t = ag.dot %d, %d, %d : tensor<1x1xi64>, tensor<1x1xi64>, tensor<1x1xi64>
  return %s, %t : tensor<2x8xi32>, tensor<1x1xi64>
}

// CHECK-LABEL: func @dot_keep
// CHECK: ag.dot %{{.*}}, %{{.*}}, %{{.*}} keep %{{.*}} {note = "kept"} : tensor<16x8xbf16>, tensor<8x4xbf16>, tensor<16x4xf32>
func.func @dot_keep(%p: tensor<16x8xbf16>, %v: tensor<8x4xbf16>, %acc: tensor<16x4xf32>, %keep: tensor<16x8xi1>) -> tensor<16x4xf32> {
  %o = ag.dot %p, %v, %acc keep %keep {note = "kept"} : tensor<16x8xbf16>, tensor<8x4xbf16>, tensor<16x4xf32>
  return %o : tensor<16x4xf32>
}

// CHECK-LABEL: func @dot_precision
// CHECK: ag.dot %{{.*}}, %{{.*}}, %{{.*}} precision tf32 : tensor<16x8xf32>
// CHECK: ag.dot %{{.*}}, %{{.*}}, %{{.*}} keep %{{.*}} precision tf32x3 : tensor<16x8xf32>
func.func @dot_precision(%p: tensor<16x8xf32>, %v: tensor<8x4xf32>, %acc: tensor<16x4xf32>, %keep: tensor<16x8xi1>) -> (tensor<16x4xf32>, tensor<16x4xf32>) {
  %a = ag.dot %p, %v, %acc precision tf32 : tensor<16x8xf32>, tensor<8x4xf32>, tensor<16x4xf32>
  %b = ag.dot %p, %v, %acc keep %keep precision tf32x3 : tensor<16x8xf32>, tensor<8x4xf32>, tensor<16x4xf32>
  return %a, %b : tensor<16x4xf32>, tensor<16x4xf32>
}
