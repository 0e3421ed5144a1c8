// RUN: python3 %S/Inputs/check-examples.py %S/../../dialect %s
// RUN: ag-opt %s | FileCheck %s

// The examples of the ops' descriptions, one line each as they stand there, in
// functions that supply what they use.

// CHECK: ag.kernel @scale
ag.kernel @scale(%x: memref<f32> {ag.access = "inout"}, %n: i32, %s: f32) {
  ag.return
}

// CHECK: ag.kernel @grid
ag.kernel @grid(%blocks: i32, %heads: i32) {
  // CHECK: ag.program_id
  %block, %head = ag.program_id %blocks, %heads : i32, i32
  ag.return
}

// CHECK: func @memory
func.func @memory(%t: memref<?x?x128xf32, strided<[?, ?, 1]>>, %b: i32, %m: i32, %z: i32, %o: tensor<64x128xf32>) {
  // CHECK: ag.load
  %q = ag.load %t[%b, %m : 64, %z : 128] : memref<?x?x128xf32, strided<[?, ?, 1]>> -> tensor<64x128xf32>
  // CHECK: ag.store
  ag.store %o, %t[%b, %m : 64, %z : 128] : tensor<64x128xf32>, memref<?x?x128xf32, strided<[?, ?, 1]>>
  return
}

// CHECK: func @compute
func.func @compute(%q: tensor<64x128xf16>, %kt: tensor<128x64xf16>, %zero: tensor<64x64xf32>,
                   %p: tensor<64x64xf32>, %v: tensor<64x64xf32>, %acc: tensor<64x64xf32>, %m: tensor<64x64xi1>) {
  // CHECK: ag.dot
  %s = ag.dot %q, %kt, %zero : tensor<64x128xf16>, tensor<128x64xf16>, tensor<64x64xf32>
  // CHECK: ag.dot
  %o = ag.dot %p, %v, %acc keep %m : tensor<64x64xf32>, tensor<64x64xf32>, tensor<64x64xf32>
  // CHECK: ag.dot
  %t = ag.dot %p, %v, %acc precision tf32 : tensor<64x64xf32>, tensor<64x64xf32>, tensor<64x64xf32>
  // CHECK: ag.reduce
  %top = ag.reduce max %s axes [1] : tensor<64x64xf32> -> tensor<64xf32>
  return
}

// CHECK: func @shape
func.func @shape() {
  // CHECK: ag.iota
  %cols = ag.iota : tensor<64xi32>
  return
}

// CHECK: func @reshaped
func.func @reshaped(%k: tensor<64x128xf32>, %x: tensor<64x1xf32>) {
  // CHECK: ag.transpose
  %kt = ag.transpose %k [1, 0] : tensor<64x128xf32> -> tensor<128x64xf32>
  // CHECK: ag.reshape
  %r = ag.reshape %x : tensor<64x1xf32> -> tensor<64xf32>
  return
}

// CHECK: func @repeated
func.func @repeated(%rows: tensor<64xi32>) {
  // CHECK: ag.broadcast
  %r = ag.broadcast %rows along [0] : tensor<64xi32> -> tensor<64x32xi32>
  return
}

// CHECK: func @indexed
func.func @indexed(%t: memref<?x?xf32>, %i: tensor<64xi32>, %b: i32, %m: i32) {
  // CHECK: ag.gather
  %x = ag.gather %t[%i, %b] : (memref<?x?xf32>, tensor<64xi32>, i32) -> tensor<64xf32>
  // CHECK: ag.scatter
  ag.scatter %x, %t[%i, %b] : (tensor<64xf32>, memref<?x?xf32>, tensor<64xi32>, i32) -> ()
  // CHECK: ag.atomic
  %old = ag.atomic add %x, %t[%b, %m] extents [0, 64] : (tensor<64xf32>, memref<?x?xf32>, i32, i32) -> tensor<64xf32>
  return
}

// CHECK: func @reduce_with
func.func @reduce_with(%x: tensor<64xf32>) {
  // CHECK: ag.reduce_with
  %r = ag.reduce_with %x axis 0 : tensor<64xf32> -> f32 {
  ^bb0(%a: f32, %b: f32):
    %m = arith.mulf %a, %b : f32
    // CHECK: ag.yield
    ag.yield %m : f32
  }
  return
}

// CHECK: func @scan_with
func.func @scan_with(%x: tensor<64xi32>) {
  // CHECK: ag.scan_with
  %r = ag.scan_with %x axis 0 : tensor<64xi32> {
  ^bb0(%a: i32, %b: i32):
    %m = arith.maxsi %a, %b : i32
    ag.yield %m : i32
  }
  return
}

// CHECK: func @scan
func.func @scan(%x: tensor<64xf16>) {
  // CHECK: ag.scan
  %s = ag.scan sum %x axis 0 : tensor<64xf16> -> tensor<64xf32>
  return
}

// CHECK: func @sort
func.func @sort(%x: tensor<64xf32>, %n: tensor<64xi32>) {
  // CHECK: ag.sort
  %k, %i = ag.sort %x, %n axis 0 : tensor<64xf32>, tensor<64xi32>
  return
}

// CHECK: func @random
func.func @random(%seed: i64, %offset: i64, %c2: i32, %c1: i32, %c0: i32, %lane: i32) {
  // CHECK: ag.philox
  %r = ag.philox %seed, %offset, %c2, %c1, %c0, %lane : (i64, i64, i32, i32, i32, i32) -> i32
  return
}

// CHECK: func @debug
func.func @debug(%m: tensor<64xf32>, %ok: i1) {
  // CHECK: ag.print
  ag.print "row max", %m : tensor<64xf32>
  // CHECK: ag.assert
  ag.assert %ok, "a bucket must not be negative"
  return
}
