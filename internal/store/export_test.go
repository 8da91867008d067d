package store

// OpenAt opens a database as a program does whose newest schema has the version.
var OpenAt = openAt
