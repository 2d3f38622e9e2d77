package scheduler

// line is a heap of waiting polls, lowest rank first. It implements
// [container/heap.Interface].
type line[R any] []*Poll[R]

func (l line[R]) Len() int           { return len(l) }
func (l line[R]) Less(i, j int) bool { return l[i].Place.rank < l[j].Place.rank }

func (l line[R]) Swap(i, j int) {
	l[i], l[j] = l[j], l[i]
	l[i].index, l[j].index = i, j
}

func (l *line[R]) Push(p any) {
	poll := p.(*Poll[R])
	poll.index = len(*l)
	*l = append(*l, poll)
}

func (l *line[R]) Pop() any {
	old := *l
	last := old[len(old)-1]
	old[len(old)-1] = nil
	*l = old[:len(old)-1]
	return last
}
