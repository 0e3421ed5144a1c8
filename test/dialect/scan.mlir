// RUN: ag-opt %s | ag-opt | FileCheck %s
// RUN: ag-opt %s -mlir-print-op-generic | ag-opt | FileCheck %s

// CHECK-LABEL: func @scan
// CHECK: ag.scan sum %{{.*}} axis 1 : tensor<4x8xf16> -> tensor<4x8xf32>
// CHECK: ag.scan prod %{{.*}} axis 0 : tensor<4x8xf16> -> tensor<4x8xf16>
func.func @scan(%x: tensor<4x8xf16>) -> (tensor<4x8xf32>, tensor<4x8xf16>) {
  %s = ag.scan sum %x axis 1 : tensor<4x8xf16> -> tensor<4x8xf32>
  %p = ag.scan prod %x axis 0 : tensor<4x8xf16> -> tensor<4x8xf16>
  return %s, %p : tensor<4x8xf32>, tensor<4x8xf16>
}

// CHECK-LABEL: func @reduce_with
// CHECK: ag.reduce_with %{{.*}} axis 0 : tensor<8x4xf32> -> tensor<4xf32> {
// CHECK-NEXT: ^bb0(%[[A:.*]]: f32, %[[B:.*]]: f32):
// CHECK-NEXT: %[[M:.*]] = arith.mulf %[[A]], %[[B]] : f32
// CHECK-NEXT: ag.yield %[[M]] : f32
func.func @reduce_with(%x: tensor<8x4xf32>) -> tensor<4xf32> {
  %r = ag.reduce_with %x axis 0 : tensor<8x4xf32> -> tensor<4xf32> {
  ^bb0(%a: f32, %b: f32):
    %m = arith.mulf %a, %b : f32
    ag.yield %m : f32
  }
  return %r : tensor<4xf32>
}

// The function may use what is outside of it.
// CHECK-LABEL: func @scan_with
// CHECK: ag.scan_with %{{.*}} axis 0 : tensor<8xi32> {
func.func @scan_with(%x: tensor<8xi32>, %mask: i32) -> tensor<8xi32> {
  %r = ag.scan_with %x axis 0 : tensor<8xi32> {
  ^bb0(%a: i32, %b: i32):
    %m = arith.maxsi %a, %b : i32
    %n = arith.andi %m, %mask : i32
    ag.yield %n : i32
  }
  return %r : tensor<8xi32>
}

// CHECK-LABEL: func @sort
// CHECK: ag.sort %{{.*}}, %{{.*}} axis 0 : tensor<8xf32>, tensor<8xi32>
// CHECK: ag.sort %{{.*}} axis 0 {isUnsigned} : tensor<8xi32>
func.func @sort(%x: tensor<8xf32>, %n: tensor<8xi32>) {
  %k, %i = ag.sort %x, %n axis 0 : tensor<8xf32>, tensor<8xi32>
  %u = ag.sort %n axis 0 {isUnsigned} : tensor<8xi32>
  return
}
