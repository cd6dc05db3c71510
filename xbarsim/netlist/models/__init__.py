"""Device models: what their parameters are worth at a temperature."""
