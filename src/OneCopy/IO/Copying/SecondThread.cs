namespace OneCopy;

/// <summary>A thread that works beside its owner, one job at a time, and sleeps between them. The owner never waits for it to begin: a job that it has not begun is taken back.</summary>
internal sealed class SecondThread : IDisposable
{
    private readonly object _gate = new();
    private readonly Thread _thread;
    private Action? _job;
    private bool _isBusy;
    private bool _ends;

    public SecondThread()
    {
        _thread = new Thread(Run) { IsBackground = true, Name = "OneCopy second copier" };
        _thread.Start();
    }

    /// <summary>A job that throws nothing. <see cref="End"/> is to be called before the next one.</summary>
    public void Begin(Action job)
    {
        lock (_gate)
        {
            _job = job;
            Monitor.Pulse(_gate);
        }
    }

    /// <summary>Returns when the job is done, or taken back.</summary>
    public void End()
    {
        lock (_gate)
        {
            _job = null;
            while (_isBusy)
                Monitor.Wait(_gate);
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _ends = true;
            Monitor.Pulse(_gate);
        }

        _thread.Join();
    }

    private void Run()
    {
        while (true)
        {
            Action job;
            lock (_gate)
            {
                _isBusy = false;
                Monitor.Pulse(_gate);
                while (_job is null && !_ends)
                    Monitor.Wait(_gate);
                if (_ends)
                    return;
                job = _job!;
                _job = null;
                _isBusy = true;
            }

            job();
        }
    }
}
