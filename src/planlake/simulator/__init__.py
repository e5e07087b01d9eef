"""An API to run against: generated Tascomi records, or real open ones, served over HTTP on this machine only."""
