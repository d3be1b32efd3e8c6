"""Pages beside the generic ones: Today, calendar, bell, entries on a record, what is done with a task."""
