"""Pictures and figures of the mathematics itself: solvers, schedules, exact laws."""
