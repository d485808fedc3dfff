namespace OneCopy.Cli.Torture;

/// <summary>The threads and flows of a worker on one handle.</summary>
internal sealed class HandleWork : IDisposable
{
    private readonly Worker _worker;
    private readonly MessageQueue _queue;
    private readonly int _handle;
    private readonly CancellationTokenSource _stop = new();
    private readonly List<Thread> _threads = [];
    private readonly List<Task> _flows = [];
    private readonly List<Receiver> _receivers = [];
    private volatile bool _closing;

    public HandleWork(Worker worker, MessageQueue queue, int handle)
    {
        _worker = worker;
        _queue = queue;
        _handle = handle;
        int slot = 0;
        for (int i = 0; i < worker.Plan.Senders; i++)
        {
            CopyingSender sender = new(worker, this, slot++);
            Start("sender", sender.Run);
        }

        for (int i = 0; i < worker.Plan.Receivers; i++)
        {
            Receiver receiver = new(worker, this, slot++);
            _receivers.Add(receiver);
            Start("receiver", receiver.Run);
        }

        for (int i = 0; i < worker.Plan.AsyncReceivers; i++)
        {
            Receiver receiver = new(worker, this, slot++);
            _receivers.Add(receiver);
            _flows.Add(Task.Run(receiver.RunAsync));
        }

        for (int i = 0; i < worker.Plan.AsyncSenders; i++)
        {
            AttachingSender sender = new(worker, this, slot++);
            _flows.Add(Task.Run(sender.RunAsync));
        }
    }

    public MessageQueue Queue => _queue;

    public int Handle => _handle;

    public CancellationToken Stopping => _stop.Token;

    /// <summary>From here on what a handle gives out may be given to others.</summary>
    public bool IsClosing => _closing;

    public void Note(ulong message, Step step, int attempt = 0) => _worker.Journal.Write(message, step, _handle, attempt);

    /// <summary>Has all threads end, with what they held answered.</summary>
    public void Stop()
    {
        _stop.Cancel();
        foreach (Thread thread in _threads)
            thread.Join();
        Task.WaitAll([.. _flows]);
    }

    public void Close(Slot slot)
    {
        _closing = true;
        Note(0, Step.CloseBegins);
        slot.EnterCounted(Operation.Close);
        _queue.Dispose();
        slot.Leave();
        Note(0, Step.CloseEnds);
        Stop();

        // What is held still is of no use any more; letting go of it frees its memory.
        foreach (Receiver receiver in _receivers)
            receiver.LetGo();
    }

    public void Dispose() => _stop.Dispose();

    private void Start(string name, Action run)
    {
        Thread thread = new(() => run()) { IsBackground = true, Name = name };
        _threads.Add(thread);
        thread.Start();
    }
}
