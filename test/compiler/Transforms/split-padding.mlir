// RUN: ag-opt %s -ag-split-masked-loops -cse -split-input-file | FileCheck %s

// j < N in a loop up to N: no iteration is empty, and only the last may need a mask.
// CHECK-LABEL: ag.kernel @padding
// CHECK:     %[[END:.*]] = arith.extsi %arg1 : i32 to i64
// CHECK:     %[[FULL:.*]] = arith.addi %[[END]], %c-16_i64
// CHECK:     scf.for %[[N:.*]] = %c0_i32 to %arg1 step %c16_i32
// CHECK:       %[[N64:.*]] = arith.extsi %[[N]] : i32 to i64
// CHECK:       %[[ALL:.*]] = arith.cmpi sle, %[[N64]], %[[FULL]]
// CHECK:       scf.if %[[ALL]]
// CHECK-NOT:     keep
// CHECK:       } else {
ag.kernel @padding(%p: memref<f32> {ag.name = "p", ag.access = "inout"}, %N: i32 {ag.extent}) {
  %t = memref.reinterpret_cast %p to offset: [0], sizes: [16, 16], strides: [16, 1] : memref<f32> to memref<16x16xf32, strided<[16, 1]>>
  %zero = arith.constant 0 : i32
  %size = arith.constant 16 : i32
  %none = arith.constant dense<0.0> : tensor<16x16xf32>
  %v = ag.load %t[%zero : 16, %zero : 16] : memref<16x16xf32, strided<[16, 1]>> -> tensor<16x16xf32>
  %iota = ag.iota : tensor<16xi32>
  %end = scf.for %n = %zero to %N step %size iter_args(%acc = %none) -> (tensor<16x16xf32>) : i32 {
    %start = tensor.splat %n : tensor<16xi32>
    %col = arith.addi %start, %iota : tensor<16xi32>
    %cols = ag.broadcast %col along [1] : tensor<16xi32> -> tensor<16x16xi32>
    %ends = tensor.splat %N : tensor<16x16xi32>
    %keep = arith.cmpi slt, %cols, %ends : tensor<16x16xi32>
    %some = ag.reduce any %keep axes [0, 1] : tensor<16x16xi1> -> i1
    %new = scf.if %some -> (tensor<16x16xf32>) {
      %x = arith.select %keep, %v, %none : tensor<16x16xi1>, tensor<16x16xf32>
      %sum = ag.dot %x, %v, %acc keep %keep : tensor<16x16xf32>, tensor<16x16xf32>, tensor<16x16xf32>
      scf.yield %sum : tensor<16x16xf32>
    } else {
      scf.yield %acc : tensor<16x16xf32>
    }
    scf.yield %new : tensor<16x16xf32>
  }
  ag.store %end, %t[%zero : 16, %zero : 16] : tensor<16x16xf32>, memref<16x16xf32, strided<[16, 1]>>
  ag.return
}
