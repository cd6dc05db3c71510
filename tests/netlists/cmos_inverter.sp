* Two transistors
vdd d 0 5
vin g 0 0
m1 o g 0 0 nm w=10u l=1u
m2 o g d d pm w=20u l=1u
.model nm nmos(level=1 vto=0.7 kp=110u gamma=0.4 lambda=0.04 phi=0.7 is=1e-15)
.model pm pmos(level=1 vto=-0.8 kp=50u gamma=0.5 lambda=0.05 phi=0.7)
.dc vin 0 5 0.2
.options reltol=1e-10 abstol=1e-16 vntol=1e-12 gmin=1e-12 itl1=500 itl2=500
.end
