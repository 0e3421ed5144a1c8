// RUN: ag-opt %s | ag-opt | FileCheck %s
// RUN: ag-opt %s -mlir-print-op-generic | ag-opt | FileCheck %s

// A scalar index is the same for all elements.
// CHECK-LABEL: func @gather
// CHECK: ag.gather %{{.*}}[%{{.*}}, %{{.*}}] : (memref<?x?xf32>, tensor<4x8xi32>, i32) -> tensor<4x8xf32>
func.func @gather(%t: memref<?x?xf32>, %i: tensor<4x8xi32>, %b: i32) -> tensor<4x8xf32> {
  %x = ag.gather %t[%i, %b] : (memref<?x?xf32>, tensor<4x8xi32>, i32) -> tensor<4x8xf32>
  return %x : tensor<4x8xf32>
}

// CHECK-LABEL: func @gather_keep_other
// CHECK: ag.gather %{{.*}}[%{{.*}}] keep %{{.*}} other %{{.*}} : (memref<?xf16>, tensor<8xi32>, tensor<8xi1>, tensor<8xf16>) -> tensor<8xf16>
func.func @gather_keep_other(%t: memref<?xf16>, %i: tensor<8xi32>, %keep: tensor<8xi1>, %other: tensor<8xf16>) -> tensor<8xf16> {
  %x = ag.gather %t[%i] keep %keep other %other : (memref<?xf16>, tensor<8xi32>, tensor<8xi1>, tensor<8xf16>) -> tensor<8xf16>
  return %x : tensor<8xf16>
}

// CHECK-LABEL: func @gather_scalar
// CHECK: ag.gather %{{.*}}[%{{.*}}] : (memref<?xf32>, i32) -> f32
func.func @gather_scalar(%t: memref<?xf32>, %i: i32) -> f32 {
  %x = ag.gather %t[%i] : (memref<?xf32>, i32) -> f32
  return %x : f32
}

// CHECK-LABEL: func @scatter
// CHECK: ag.scatter %{{.*}}, %{{.*}}[%{{.*}}] : (tensor<8xi32>, memref<?xi32>, tensor<8xi32>) -> ()
// CHECK: ag.scatter %{{.*}}, %{{.*}}[%{{.*}}] keep %{{.*}} {note = "kept"} : (tensor<8xi32>, memref<?xi32>, tensor<8xi32>, tensor<8xi1>) -> ()
func.func @scatter(%t: memref<?xi32>, %i: tensor<8xi32>, %keep: tensor<8xi1>) {
  ag.scatter %i, %t[%i] : (tensor<8xi32>, memref<?xi32>, tensor<8xi32>) -> ()
  ag.scatter %i, %t[%i] keep %keep {note = "kept"} : (tensor<8xi32>, memref<?xi32>, tensor<8xi32>, tensor<8xi1>) -> ()
  return
}

// CHECK-LABEL: func @atomic_add
// CHECK: ag.atomic add %{{.*}}, %{{.*}}[%{{.*}}, %{{.*}}] extents [0, 64] : (tensor<64xf32>, memref<?x?xf32>, i32, i32) -> tensor<64xf32>
func.func @atomic_add(%t: memref<?x?xf32>, %x: tensor<64xf32>, %b: i32) -> tensor<64xf32> {
  %old = ag.atomic add %x, %t[%b, %b] extents [0, 64] : (tensor<64xf32>, memref<?x?xf32>, i32, i32) -> tensor<64xf32>
  return %old : tensor<64xf32>
}

// CHECK-LABEL: func @atomic_kinds
// CHECK: ag.atomic add {{.*}} -> i64
// CHECK: ag.atomic min {{.*}} -> f32
// CHECK: ag.atomic max {{.*}} -> i32
// CHECK: ag.atomic umin {{.*}} -> i32
// CHECK: ag.atomic umax {{.*}} keep %{{.*}} : {{.*}} -> i32
func.func @atomic_kinds(%l: memref<?xi64>, %f: memref<?xf32>, %n: memref<?xi32>, %x: i64, %y: f32, %i: i32, %keep: i1) {
  %0 = ag.atomic add %x, %l[%i] extents [0] : (i64, memref<?xi64>, i32) -> i64
  %1 = ag.atomic min %y, %f[%i] extents [0] : (f32, memref<?xf32>, i32) -> f32
  %2 = ag.atomic max %i, %n[%i] extents [0] : (i32, memref<?xi32>, i32) -> i32
  %3 = ag.atomic umin %i, %n[%i] extents [0] : (i32, memref<?xi32>, i32) -> i32
  %4 = ag.atomic umax %i, %n[%i] extents [0] keep %keep : (i32, memref<?xi32>, i32, i1) -> i32
  return
}

// CHECK-LABEL: func @atomic_steps
// CHECK: ag.atomic add %{{.*}}, %{{.*}}[%{{.*}}] extents [8] steps %{{.*}} : (tensor<8xf64>, memref<?xf64>, i32, i32) -> tensor<8xf64>
func.func @atomic_steps(%t: memref<?xf64>, %x: tensor<8xf64>, %i: i32) {
  %old = ag.atomic add %x, %t[%i] extents [8] steps %i : (tensor<8xf64>, memref<?xf64>, i32, i32) -> tensor<8xf64>
  return
}
