"""The catalogue of real planning records under open licences, for trying Planlake on data nobody invented."""
