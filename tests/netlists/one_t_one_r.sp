* Cells of a transistor and a memristor, read both ways
vw w 0 1.2
vu u 0 -1.2
vg g 0 2
r1 w m 10k
m1 m g b 0 nm w=2u l=1u
r2 u n 10k
m2 n g b 0 nm w=2u l=1u m=2
rs b 0 10
.model nm nmos(level=1 vto=0.7 kp=110u gamma=0.4 lambda=0.04 phi=0.7 is=1e-15)
.model pm pmos(level=1 vto=-0.8 kp=50u gamma=0.5 lambda=0.05 phi=0.7)
.temp 85
.op
.options reltol=1e-10 abstol=1e-16 vntol=1e-12 gmin=1e-12 itl1=500 itl2=500
.end
