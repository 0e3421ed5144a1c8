// RUN: ag-opt %s | ag-opt | FileCheck %s
// RUN: ag-opt %s -mlir-print-op-generic | ag-opt | FileCheck %s

// A scalar index drops its dimension, a range keeps it.
// CHECK-LABEL: func @load_range
// CHECK: ag.load %{{.*}}[%{{.*}}, %{{.*}} : 64, %{{.*}} : 128] : memref<?x?x128xf32, strided<[?, ?, 1]>> -> tensor<64x128xf32>
func.func @load_range(%t: memref<?x?x128xf32, strided<[?, ?, 1]>>, %b: i32, %m: i32, %z: i32) -> tensor<64x128xf32> {
  %q = ag.load %t[%b, %m : 64, %z : 128] : memref<?x?x128xf32, strided<[?, ?, 1]>> -> tensor<64x128xf32>
  return %q : tensor<64x128xf32>
}

// CHECK-LABEL: func @load_scalar
// CHECK: ag.load %{{.*}}[%{{.*}}] : memref<?xf16> -> f16
func.func @load_scalar(%t: memref<?xf16>, %i: i32) -> f16 {
  %x = ag.load %t[%i] : memref<?xf16> -> f16
  return %x : f16
}

// A tensor of rank 0 has one element and no index.
// CHECK-LABEL: func @load_rank_zero
// CHECK: ag.load %{{.*}}[] : memref<f32> -> f32
func.func @load_rank_zero(%t: memref<f32>) -> f32 {
  %x = ag.load %t[] : memref<f32> -> f32
  return %x : f32
}

// CHECK-LABEL: func @load_keep_other
// CHECK: ag.load %{{.*}}[%{{.*}} : 8] keep %{{.*}} other %{{.*}} : memref<?xf32> -> tensor<8xf32>
func.func @load_keep_other(%t: memref<?xf32>, %i: i32, %keep: tensor<8xi1>, %other: tensor<8xf32>) -> tensor<8xf32> {
  %x = ag.load %t[%i : 8] keep %keep other %other : memref<?xf32> -> tensor<8xf32>
  return %x : tensor<8xf32>
}

// CHECK-LABEL: func @load_other_alone
// CHECK: ag.load %{{.*}}[%{{.*}} : 8] other %{{.*}} : memref<?xf32> -> tensor<8xf32>
func.func @load_other_alone(%t: memref<?xf32>, %i: i32, %other: tensor<8xf32>) -> tensor<8xf32> {
  %x = ag.load %t[%i : 8] other %other : memref<?xf32> -> tensor<8xf32>
  return %x : tensor<8xf32>
}

// CHECK-LABEL: func @load_keep_scalar
// CHECK: ag.load %{{.*}}[%{{.*}}] keep %{{.*}} : memref<?xf32> -> f32
func.func @load_keep_scalar(%t: memref<?xf32>, %i: i32, %keep: i1) -> f32 {
  %x = ag.load %t[%i] keep %keep : memref<?xf32> -> f32
  return %x : f32
}

// Steps come with every dimension or with none.
// CHECK-LABEL: func @load_steps
// CHECK: ag.load %{{.*}}[%{{.*}} step %{{.*}}, %{{.*}} : 16 step %{{.*}}] : memref<?x?xf64> -> tensor<16xf64>
func.func @load_steps(%t: memref<?x?xf64>, %i: i32, %one: i32, %s: i32) -> tensor<16xf64> {
  %x = ag.load %t[%i step %one, %i : 16 step %s] : memref<?x?xf64> -> tensor<16xf64>
  return %x : tensor<16xf64>
}

// A tile index gathers.
// CHECK-LABEL: func @load_gather
// CHECK: ag.load %{{.*}}[%{{.*}} : 4, %{{.*}} : 8] : memref<?x?xbf16> indices [tensor<4xi32>, i32] -> tensor<4x8xbf16>
func.func @load_gather(%t: memref<?x?xbf16>, %rows: tensor<4xi32>, %c: i32) -> tensor<4x8xbf16> {
  %x = ag.load %t[%rows : 4, %c : 8] : memref<?x?xbf16> indices [tensor<4xi32>, i32] -> tensor<4x8xbf16>
  return %x : tensor<4x8xbf16>
}

// CHECK-LABEL: func @load_attributes
// CHECK: ag.load %{{.*}}[%{{.*}}] {note = "kept"} : memref<?xi8> -> i8
func.func @load_attributes(%t: memref<?xi8>, %i: i32) -> i8 {
  %x = ag.load %t[%i] {note = "kept"} : memref<?xi8> -> i8
  return %x : i8
}

// CHECK-LABEL: func @store_range
// CHECK: ag.store %{{.*}}, %{{.*}}[%{{.*}}, %{{.*}} : 64] : tensor<64xf32>, memref<?x?xf32>
func.func @store_range(%t: memref<?x?xf32>, %b: i32, %m: i32, %x: tensor<64xf32>) {
  ag.store %x, %t[%b, %m : 64] : tensor<64xf32>, memref<?x?xf32>
  return
}

// CHECK-LABEL: func @store_scalar
// CHECK: ag.store %{{.*}}, %{{.*}}[%{{.*}}] : f32, memref<?xf32>
func.func @store_scalar(%t: memref<?xf32>, %i: i32, %x: f32) {
  ag.store %x, %t[%i] : f32, memref<?xf32>
  return
}

// CHECK-LABEL: func @store_keep
// CHECK: ag.store %{{.*}}, %{{.*}}[%{{.*}} : 8 step %{{.*}}] keep %{{.*}} {note = "kept"} : tensor<8xf32>, memref<?xf32>
func.func @store_keep(%t: memref<?xf32>, %i: i32, %x: tensor<8xf32>, %keep: tensor<8xi1>) {
  ag.store %x, %t[%i : 8 step %i] keep %keep {note = "kept"} : tensor<8xf32>, memref<?xf32>
  return
}

// CHECK-LABEL: func @store_scatter
// CHECK: ag.store %{{.*}}, %{{.*}}[%{{.*}} : 4] : tensor<4xf32>, memref<?xf32> indices [tensor<4xi32>]
func.func @store_scatter(%t: memref<?xf32>, %i: tensor<4xi32>, %x: tensor<4xf32>) {
  ag.store %x, %t[%i : 4] : tensor<4xf32>, memref<?xf32> indices [tensor<4xi32>]
  return
}
