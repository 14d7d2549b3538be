/** To be imported before the driver is: as the program does, which opens some files by URIs; the driver asks once. */
process.env["SQLITE_USE_URI"] = "1";
