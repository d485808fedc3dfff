namespace OneCopy.TestProcess;

/// <summary>The work of the survivors, in threads of their own, that goes on whatever happens to the victim.</summary>
internal sealed partial class CrashActor
{
    private const int BeatPeriod = 4;
    private const int BeatLength = 64;

    private Thread? _beating;
    private Thread? _taking;
    private CancellationTokenSource _stopBeating = new();
    private CancellationTokenSource _stopTaking = new();
    private Exception? _workFailed;
    private long _worstDelay;

    /// <summary>on|at-crash|off: a message every few milliseconds; from the crash on; not any more.</summary>
    private string? Beats(string how)
    {
        Stop(ref _beating, ref _stopBeating);
        if (how is not "off")
            _beating = Start(how, _stopBeating.Token, Beat);
        return null;
    }

    /// <summary>on|at-crash|off: takes every message, reads it and completes it.</summary>
    private string? Take(string how)
    {
        Stop(ref _taking, ref _stopTaking);
        if (how is not "off")
            _taking = Start(how, _stopTaking.Token, TakeAll);
        return null;
    }

    private Thread Start(string how, CancellationToken stop, Action<MessageQueue, CancellationToken> work)
    {
        MessageQueue queue = Queue;
        Thread thread = new(() =>
        {
            try
            {
                while (how is "at-crash" && CrashBoard.At == 0 && !stop.IsCancellationRequested)
                    CrashBoard.Nap(1);
                work(queue, stop);
            }
            catch (OperationCanceledException)
            {
            }
            catch (Exception e)
            {
                _workFailed = e;
            }
        });
        thread.Start();
        return thread;
    }

    private void Stop(ref Thread? work, ref CancellationTokenSource stop)
    {
        if (work is null)
            return;
        stop.Cancel();
        if (!work.Join(s_soon))
            throw new TimeoutException("A survivor's work does not end.");
        work = null;
        stop.Dispose();
        stop = new CancellationTokenSource();
        if (_workFailed is { } failed)
        {
            _workFailed = null;
            throw new InvalidOperationException("A survivor's work failed.", failed);
        }
    }

    private void Beat(MessageQueue queue, CancellationToken stop)
    {
        byte[] payload = new byte[BeatLength];
        while (!stop.IsCancellationRequested)
        {
            string message = _account.Fill(payload);
            long now = CrashBoard.Now;
            queue.Send(payload, new SendOptions { Timeout = s_soon });
            _account.Add("sent", message, $"{now}");
            CrashBoard.Nap(BeatPeriod);
        }
    }

    private void TakeAll(MessageQueue queue, CancellationToken stop)
    {
        while (true)
        {
            using ReceivedMessage message = queue.Receive(null, stop);
            long now = CrashBoard.Now;
            string id = "?";
            try
            {
                RefusePull(message);
                message.CopyTo(_buffer);
                (id, string verdict) = CrashAccount.Examine(_buffer.AsSpan(0, (int)message.Length));
                _account.Add("got", id, $"{message.DeliveryAttempt}", verdict, $"{now}");
                message.Complete();
                _account.Add("completed", id);
            }
            catch (OneCopyException e) when (e is MessageLostException or MessageWithdrawnException)
            {
                _account.Add("gone", id, e.GetType().Name);
            }
        }
    }

    /// <summary>How late a thread of this process was that only naps, at worst since it was asked before, in milliseconds: the machine's own delay.</summary>
    private double WorstDelay()
    {
        if (_controlling is null)
        {
            _controlling = new Thread(Control) { IsBackground = true };
            _controlling.Start();
        }

        return Interlocked.Exchange(ref _worstDelay, 0) / 1e6;
    }

    private Thread? _controlling;

    private void Control()
    {
        while (true)
        {
            long before = CrashBoard.Now;
            CrashBoard.Nap(1);
            long delay = CrashBoard.Now - before - 1_000_000;
            if (delay > Volatile.Read(ref _worstDelay))
                Volatile.Write(ref _worstDelay, delay);
        }
    }
}
