3 x 2 crossbar of subcircuit cells with parameters
* A cell is one memristor; its state x runs from 0 (off) to 1 (on). Word and bit segments are cells' own.
.param gon=1m goff={gon/500} seg=0.8
.subckt cell left right top bottom x=0.5 scale=1
.param g={goff + (gon - goff)*x}
rw left right {seg*scale}
rm left top {1/g}
rb top bottom {seg*1.25}
.ends cell
.subckt driver out in ohms=10
rd in out {ohms}
.ends
vr0 r0 0 0.4
vr1 r1 0 0.1
vr2 r2 0 -0.3
xd0 w00 r0 driver
xd1 w10 r1 driver ohms=15
xd2 w20 r2 driver ohms={2*seg}
x00 w00 w01 b00 b10 cell x=0.93
x01 w01 e0 b01 b11 cell x=0.04 scale=2
x10 w10 w11 b10 b20 cell x=0.31
x11 w11 e1 b11 b21 cell
x20 w20 w21 b20 s0 cell x=0 scale=0.5
x21 w21 e2 b21 s1 cell x=1
re0 e0 f0 1k
re1 e1 f1 1k
re2 e2 f2 1k
vf0 f0 0 0
vf1 f1 0 0.05
vf2 f2 0 0
vs0 s0 0 0
vs1 s1 0 0
.op
.end
