"""The files of a trading workspace as types: its configuration, its reports and its rows."""
