// RUN: ag-opt %s -split-input-file -ag-lower-to-threads="capability=90 warpgroups" -cse | FileCheck %s

// 64 rows: a product of four warps. Its second factor is read from shared
// memory, once threads' writes are visible to it; sums that begin at 0 need no
// zeros, and what is added to is tied to the results.
// CHECK-LABEL: llvm.func @product
// CHECK:         llvm.store
// CHECK:         barrier.cta.sync
// CHECK:         fence.proxy.async.shared::cta
// CHECK-NOT:     ldmatrix
// CHECK:         llvm.inline_asm has_side_effects
// CHECK-SAME:      "wgmma.fence.sync.aligned;
// CHECK-SAME:      wgmma.mma_async.sync.aligned.m64n16k16.f32.f16.f16
// CHECK-SAME:      0, 1, 1, 1;
// CHECK-SAME:      wgmma.commit_group.sync.aligned;
// CHECK-SAME:      wgmma.wait_group.sync.aligned 0;"
// CHECK-NOT:     mma_async
ag.kernel @product(
    %a_ptr: memref<f16> {ag.name = "a", ag.access = "in"},
    %b_ptr: memref<f16> {ag.name = "b", ag.access = "in"},
    %c_ptr: memref<f32> {ag.name = "c", ag.access = "out"}) {
  %a = memref.reinterpret_cast %a_ptr to offset: [0], sizes: [64, 16],
    strides: [16, 1] : memref<f16> to memref<64x16xf16, strided<[16, 1]>>
  %b = memref.reinterpret_cast %b_ptr to offset: [0], sizes: [16, 16],
    strides: [16, 1] : memref<f16> to memref<16x16xf16, strided<[16, 1]>>
  %c = memref.reinterpret_cast %c_ptr to offset: [0], sizes: [64, 16],
    strides: [16, 1] : memref<f32> to memref<64x16xf32, strided<[16, 1]>>
  %c0 = arith.constant 0 : i32
  %x = ag.load %a[%c0 : 64, %c0 : 16]
    : memref<64x16xf16, strided<[16, 1]>> -> tensor<64x16xf16>
  %y = ag.load %b[%c0 : 16, %c0 : 16]
    : memref<16x16xf16, strided<[16, 1]>> -> tensor<16x16xf16>
  %zero = arith.constant dense<0.0> : tensor<64x16xf32>
  %sum = ag.dot %x, %y, %zero
    : tensor<64x16xf16>, tensor<16x16xf16>, tensor<64x16xf32>
  ag.store %sum, %c[%c0 : 64, %c0 : 16]
    : tensor<64x16xf32>, memref<64x16xf32, strided<[16, 1]>>
  ag.return
}

// -----

// Fewer rows are products of a warp each.
// CHECK-LABEL: llvm.func @few_rows
// CHECK-NOT:     wgmma
// CHECK:         mma.m16n8k16
ag.kernel @few_rows(
    %a_ptr: memref<f16> {ag.name = "a", ag.access = "in"},
    %c_ptr: memref<f32> {ag.name = "c", ag.access = "out"}) {
  %a = memref.reinterpret_cast %a_ptr to offset: [0], sizes: [32, 32],
    strides: [32, 1] : memref<f16> to memref<32x32xf16, strided<[32, 1]>>
  %c = memref.reinterpret_cast %c_ptr to offset: [0], sizes: [32, 32],
    strides: [32, 1] : memref<f32> to memref<32x32xf32, strided<[32, 1]>>
  %c0 = arith.constant 0 : i32
  %x = ag.load %a[%c0 : 32, %c0 : 32]
    : memref<32x32xf16, strided<[32, 1]>> -> tensor<32x32xf16>
  %zero = arith.constant dense<0.0> : tensor<32x32xf32>
  %sum = ag.dot %x, %x, %zero
    : tensor<32x32xf16>, tensor<32x32xf16>, tensor<32x32xf32>
  ag.store %sum, %c[%c0 : 32, %c0 : 32]
    : tensor<32x32xf32>, memref<32x32xf32, strided<[32, 1]>>
  ag.return
}

// -----

// What a loop loads, one thread asks for, an iteration ahead: as a box, whose
// tensor the host describes (argument 1, 2 bytes, lines of 128; then for each
// dimension, the innermost first: size, is it an argument, stride, is it an
// argument, box). A barrier in memory counts the bytes.
// CHECK-LABEL: llvm.func @boxes
// CHECK-SAME:    llvm.byval = !llvm.array<128 x i8>
// CHECK-SAME:    ag.tensor_maps = [array<i64: 1, 2, 128, 64, 0, 1, 0, 64, 3, 1, 64, 0, 16>]
// CHECK:         mbarrier.init.shared::cta.b64 [$0], 1;
// CHECK:         mbarrier.init.shared::cta.b64 [$0], 1;
// CHECK:         fence.mbarrier_init.release.cluster;
// CHECK:         nvvm.elect.sync
// CHECK:         mbarrier.arrive.expect_tx.shared::cta.b64 _, [$0], $1;
// CHECK:         cp.async.bulk.tensor.2d.shared::cluster.global.tile.mbarrier::complete_tx::bytes [$0], [$1, {$2, $3}], [$4];
// CHECK:         scf.for
// CHECK:           barrier.cta.sync
// CHECK:           nvvm.elect.sync
// CHECK:           cp.async.bulk.tensor.2d
// CHECK:           mbarrier.try_wait.parity.shared::cta.b64 arrived, [$0], $1;
// CHECK:           wgmma.mma_async.sync.aligned.m64n64k16
// CHECK-NOT:       barrier.cta
// CHECK:           scf.yield
ag.kernel @boxes(
    %a_ptr: memref<f16> {ag.name = "a", ag.access = "in", ag.regular},
    %b_ptr: memref<f16> {ag.name = "b", ag.access = "in", ag.regular},
    %c_ptr: memref<f32> {ag.name = "c", ag.access = "out"},
    %n: i32 {ag.extent}) {
  %rows = arith.index_cast %n : i32 to index
  %a = memref.reinterpret_cast %a_ptr to offset: [0], sizes: [64, 16],
    strides: [16, 1] : memref<f16> to memref<64x16xf16, strided<[16, 1]>>
  %b = memref.reinterpret_cast %b_ptr to offset: [0], sizes: [%rows, 64],
    strides: [64, 1] : memref<f16> to memref<?x64xf16, strided<[64, 1]>>
  %c = memref.reinterpret_cast %c_ptr to offset: [0], sizes: [64, 64],
    strides: [64, 1] : memref<f32> to memref<64x64xf32, strided<[64, 1]>>
  %c0 = arith.constant 0 : i32
  %c16 = arith.constant 16 : i32
  %zero = arith.constant dense<0.0> : tensor<64x64xf32>
  %x = ag.load %a[%c0 : 64, %c0 : 16]
    : memref<64x16xf16, strided<[16, 1]>> -> tensor<64x16xf16>
  %sum = scf.for %k = %c0 to %n step %c16 iter_args(%acc = %zero) -> (tensor<64x64xf32>) : i32 {
    %y = ag.load %b[%k : 16, %c0 : 64]
      : memref<?x64xf16, strided<[64, 1]>> -> tensor<16x64xf16>
    %next = ag.dot %x, %y, %acc
      : tensor<64x16xf16>, tensor<16x64xf16>, tensor<64x64xf32>
    scf.yield %next : tensor<64x64xf32>
  }
  ag.store %sum, %c[%c0 : 64, %c0 : 64]
    : tensor<64x64xf32>, memref<64x64xf32, strided<[64, 1]>>
  ag.return
}
