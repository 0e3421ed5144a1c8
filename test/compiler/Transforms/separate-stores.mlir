// RUN: ag-opt %s -ag-separate-stores | FileCheck %s

// Rows of unknown length: one comparison tells tiles that lie inside.
// CHECK-LABEL: ag.kernel @rows
// CHECK:      %[[END:.*]] = arith.addi %{{.*}}, %c16_i64 : i64
// CHECK:      arith.cmpi sle, %[[END]]
// CHECK:      arith.cmpi sge, %arg1, %c0_i32
// CHECK:      scf.if
// CHECK-NEXT:   ag.store %{{.*}} {ag.inside = array<i64: 1>}
// CHECK-NEXT: } else {
// CHECK-NEXT:   ag.store
// CHECK-NOT:      ag.inside
// CHECK:      }
ag.kernel @rows(%p: memref<f32> {ag.name = "p", ag.access = "out"}, %n: i32, %N: i32 {ag.extent}) {
  %size = arith.index_cast %N : i32 to index
  %t = memref.reinterpret_cast %p to offset: [0], sizes: [%size, %size], strides: [%size, 1] : memref<f32> to memref<?x?xf32, strided<[?, 1]>>
  %tile = arith.constant dense<1.0> : tensor<8x16xf32>
  ag.store %tile, %t[%n : 8, %n : 16] : tensor<8x16xf32>, memref<?x?xf32, strided<[?, 1]>>
  ag.return
}

// Neither of rows whose length is known, nor of a single one.
// CHECK-LABEL: ag.kernel @known
// CHECK-NOT: scf.if
ag.kernel @known(%p: memref<f32> {ag.name = "p", ag.access = "out"}, %n: i32, %N: i32 {ag.extent}) {
  %size = arith.index_cast %N : i32 to index
  %t = memref.reinterpret_cast %p to offset: [0], sizes: [%size, 16], strides: [16, 1] : memref<f32> to memref<?x16xf32, strided<[16, 1]>>
  %u = memref.reinterpret_cast %p to offset: [0], sizes: [%size], strides: [1] : memref<f32> to memref<?xf32, strided<[1]>>
  %tile = arith.constant dense<1.0> : tensor<8x16xf32>
  %one = arith.constant dense<1.0> : tensor<16xf32>
  ag.store %tile, %t[%n : 8, %n : 16] : tensor<8x16xf32>, memref<?x16xf32, strided<[16, 1]>>
  ag.store %one, %u[%n : 16] : tensor<16xf32>, memref<?xf32, strided<[1]>>
  ag.return
}
