"""Results for other programs and for notebooks: arrays with names and units as pandas and xarray have them.

``labelled`` makes data frames and datasets; neither pandas nor xarray is imported before one is asked for.
"""
