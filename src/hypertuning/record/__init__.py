"""The record of a study on disk: nobody else knows its files."""
