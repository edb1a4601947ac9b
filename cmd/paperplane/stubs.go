package main

var configCommand, doctorCommand, backupCommand, restoreCommand, blankSheetCommand = command{name: "config"}, command{name: "doctor"}, command{name: "backup"}, command{name: "restore"}, command{name: "blank-sheet"}
