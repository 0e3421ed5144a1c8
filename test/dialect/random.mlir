// RUN: ag-opt %s | ag-opt | FileCheck %s
// RUN: ag-opt %s -mlir-print-op-generic | ag-opt | FileCheck %s

// CHECK-LABEL: func @philox_scalar
// CHECK: ag.philox %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} : (i64, i64, i32, i32, i32, i32) -> i32
func.func @philox_scalar(%seed: i64, %c: i32) -> i32 {
  %r = ag.philox %seed, %seed, %c, %c, %c, %c : (i64, i64, i32, i32, i32, i32) -> i32
  return %r : i32
}

// CHECK-LABEL: func @philox_tile
// CHECK: ag.philox {{.*}} -> tensor<4xi32>
func.func @philox_tile(%seed: tensor<4xi64>, %c: tensor<4xi32>) -> tensor<4xi32> {
  %r = ag.philox %seed, %seed, %c, %c, %c, %c : (tensor<4xi64>, tensor<4xi64>, tensor<4xi32>, tensor<4xi32>, tensor<4xi32>, tensor<4xi32>) -> tensor<4xi32>
  return %r : tensor<4xi32>
}
