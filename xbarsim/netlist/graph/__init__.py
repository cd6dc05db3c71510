"""Circuit to crossbar, by its graph alone."""
