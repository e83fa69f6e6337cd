"""The rules, a module for each setting: each looks at the world and the settings, and returns actions."""
