"""Studies: sweeps over networks, hardware, methods and chips, or over circuits, that survive and end in pictures.

A ``study_file`` is TOML; its ``tables`` are checked key by key, its ``axes`` say what is swept. ``network_study``,
``margin_study`` or ``netlist_study`` makes ``trial``s of it, each named by its content and by the ``code_version`` that
answers it. A ``runner`` gives what is missing to an executor (``executors``; ``local_processes``), whose workers do
``work`` (``network_work``, ``circuit_work``), and keeps each answer in the ``store``, an SQLite file (``migrations``).
``open_study`` joins a file, its trials and its store.
"""
