* A bridge of diodes whose load is tied to the rest by them alone
v1 a 0 5
v2 b 0 -3
d1 a p dm
d2 b p dm area=2
d3 n a dm m=3
d4 n b dm area=0.5
rl p n 1k
.model dm d(is=1e-14 n=1.2 rs=5)
.op
.options reltol=1e-10 abstol=1e-16 vntol=1e-12 gmin=1e-12 itl1=500 itl2=500
.end
