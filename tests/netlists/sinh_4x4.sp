* An array of sinh cells, in a subcircuit
.subckt cell te be g=1e-5 v0=0.25
.param scale={g*v0}
b1 te be i={scale*sinh(v(te,be)/v0)}
.ends
.subckt array w0_0 w1_0 w2_0 w3_0 b3_0 b3_1 b3_2 b3_3
x00 w0_0 b0_0 cell g=1e-05
rw00 w0_0 w0_1 2
rb00 b0_0 b1_0 3
x01 w0_1 b0_1 cell g=3e-05
rw01 w0_1 w0_2 2
rb01 b0_1 b1_1 3
x02 w0_2 b0_2 cell g=5e-05
rw02 w0_2 w0_3 2
rb02 b0_2 b1_2 3
x03 w0_3 b0_3 cell g=7e-05
rb03 b0_3 b1_3 3
x10 w1_0 b1_0 cell g=2e-05
rw10 w1_0 w1_1 2
rb10 b1_0 b2_0 3
x11 w1_1 b1_1 cell g=4e-05
rw11 w1_1 w1_2 2
rb11 b1_1 b2_1 3
x12 w1_2 b1_2 cell g=6e-05
rw12 w1_2 w1_3 2
rb12 b1_2 b2_2 3
x13 w1_3 b1_3 cell g=8e-05
rb13 b1_3 b2_3 3
x20 w2_0 b2_0 cell g=3e-05
rw20 w2_0 w2_1 2
rb20 b2_0 b3_0 3
x21 w2_1 b2_1 cell g=5e-05
rw21 w2_1 w2_2 2
rb21 b2_1 b3_1 3
x22 w2_2 b2_2 cell g=7e-05
rw22 w2_2 w2_3 2
rb22 b2_2 b3_2 3
x23 w2_3 b2_3 cell g=9e-05
rb23 b2_3 b3_3 3
x30 w3_0 b3_0 cell g=4e-05
rw30 w3_0 w3_1 2
x31 w3_1 b3_1 cell g=6e-05
rw31 w3_1 w3_2 2
x32 w3_2 b3_2 cell g=8e-05
rw32 w3_2 w3_3 2
x33 w3_3 b3_3 cell g=0.0001
.ends
v0 r0 0 0.2
vs0 c0 0 0
v1 r1 0 0.5
vs1 c1 0 0
v2 r2 0 -0.4
vs2 c2 0 0
v3 r3 0 0.8
vs3 c3 0 0
xa r0 r1 r2 r3 c0 c1 c2 c3 array
.op
.options reltol=1e-10 abstol=1e-16 vntol=1e-12 gmin=1e-12 itl1=500 itl2=500
.end
