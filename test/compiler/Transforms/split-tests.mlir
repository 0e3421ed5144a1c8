// RUN: ag-opt %s -ag-split-masked-loops -cse -split-input-file | FileCheck %s

// Outside of loops a test is decided by scalars too: `all(i < N)` is m + 16 <= N,
// and then the branch stores without a mask. Where it is undecided, an `all` that
// holds says the same.
// CHECK-LABEL: ag.kernel @if_all
// CHECK:      %[[ALL:.*]] = arith.cmpi sge, %{{.*}}, %c0_i64
// CHECK:      scf.if %[[ALL]]
// CHECK:        ag.store %{{[^ ]*}}, %{{[^ ]*}}[%{{[^ ]*}} : 16] :
// CHECK-NEXT: } else {
// CHECK:        scf.if
// CHECK:        } else {
// CHECK:          ag.reduce all
// CHECK-NEXT:     scf.if
// CHECK-NEXT:       ag.store %{{[^ ]*}}, %{{[^ ]*}}[%{{[^ ]*}} : 16] :
// CHECK-NEXT:     } else {
// CHECK-NEXT:       ag.store {{.*}} keep
ag.kernel @if_all(%p: memref<f32> {ag.name = "p", ag.access = "out"},
                  %M: i32 {ag.extent}, %N: i32 {ag.extent}) {
  %Nx = arith.index_cast %N : i32 to index
  %t = memref.reinterpret_cast %p to offset: [0], sizes: [%Nx], strides: [1] : memref<f32> to memref<?xf32, strided<[1]>>
  %size = arith.constant 16 : i32
  %x = arith.constant dense<1.0> : tensor<16xf32>
  %block = ag.program_id %M : i32
  %c1024 = arith.constant 1024 : i32
  %m = arith.minsi %block, %c1024 : i32
  %iota = ag.iota : tensor<16xi32>
  %base = tensor.splat %m : tensor<16xi32>
  %rows = arith.addi %base, %iota : tensor<16xi32>
  %end = tensor.splat %N : tensor<16xi32>
  %keep = arith.cmpi slt, %rows, %end : tensor<16xi32>
  %all = ag.reduce all %keep axes [0] : tensor<16xi1> -> i1
  scf.if %all {
    ag.store %x, %t[%m : 16] keep %keep : tensor<16xf32>, memref<?xf32, strided<[1]>>
  } else {
    ag.store %x, %t[%m : 16] keep %keep : tensor<16xf32>, memref<?xf32, strided<[1]>>
  }
  ag.return
}

// -----

// Decided while compiling: the test and its mask vanish.
// CHECK-LABEL: ag.kernel @decided
// CHECK-NOT:   ag.reduce
// CHECK-NOT:   scf.if
// CHECK:       ag.store
// CHECK-NOT:   ag.store
ag.kernel @decided(%p: memref<f32> {ag.name = "p", ag.access = "out"}) {
  %t = memref.reinterpret_cast %p to offset: [0], sizes: [16], strides: [1] : memref<f32> to memref<16xf32, strided<[1]>>
  %zero = arith.constant 0 : i32
  %x = arith.constant dense<1.0> : tensor<16xf32>
  %iota = ag.iota : tensor<16xi32>
  %end = arith.constant dense<16> : tensor<16xi32>
  %keep = arith.cmpi slt, %iota, %end : tensor<16xi32>
  %any = ag.reduce any %keep axes [0] : tensor<16xi1> -> i1
  scf.if %any {
    ag.store %x, %t[%zero : 16] : tensor<16xf32>, memref<16xf32, strided<[1]>>
  } else {
    ag.store %x, %t[%zero : 16] : tensor<16xf32>, memref<16xf32, strided<[1]>>
    ag.store %x, %t[%zero : 16] : tensor<16xf32>, memref<16xf32, strided<[1]>>
  }
  ag.return
}
