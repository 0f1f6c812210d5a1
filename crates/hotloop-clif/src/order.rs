//! The order of instructions in the body of a small loop: one register's work after the other's.
//!
//! Lanes are emitted instruction by instruction for all registers of a bundle, which hides latency in straight code but
//! keeps the intermediate results of every register alive at once. In a loop that carries several values per register
//! there is no room for them; the processor overlaps the registers' work by itself as long as a turn is short.

use cranelift_codegen::ir::{Block, Function, Inst, Opcode, Value, ValueDef};
use rustc_hash::{FxHashMap, FxHashSet};

/// The longest block that is ordered anew: about what a processor looks ahead.
const MOST: usize = 256;
/// The most results that are chosen among.
const MOST_ROOTS: usize = 64;

/// Orders a block anew: each instruction stands where its result is first needed. Of what the end of the block needs,
/// values come last that take the place of others still in use; before that, first what brings the fewest vectors into
/// registers, then what takes the fewest instructions more. So what is made from the same vectors is made together.
pub(crate) fn by_need(func: &mut Function, block: Block) {
    func.dfg.resolve_all_aliases();
    let insts: Vec<Inst> = func.layout.block_insts(block).collect();
    let Some((&end, before)) = insts.split_last() else { return };
    let ends = ends(func, end);
    if insts.len() > MOST || ends.len() > MOST_ROOTS {
        return;
    }
    let mut order = Order::of(func, before);
    for index in 0..before.len() {
        if !order.moves[index] {
            order.place(func, index);
        }
    }
    let made = |end: &End| order.maker(func, end.value).map(|index| (index, end.replaces));
    let mut roots: Vec<(usize, Option<Value>)> = ends.iter().filter_map(made).collect();
    while let Some(next) = (0..roots.len()).min_by_key(|&root| order.cost(func, roots[root])) {
        order.place(func, roots.remove(next).0);
    }
    let used = used_elsewhere(func, block, before);
    for (index, inst) in before.iter().enumerate() {
        if used.contains(inst) {
            order.place(func, index);
        }
    }
    for &inst in before {
        func.layout.remove_inst(inst);
    }
    for index in order.placed {
        func.layout.insert_inst(before[index], end);
    }
}

/// The instructions of a block whose results other blocks use. The rest, if the end of the block does not need it
/// either, is not kept.
fn used_elsewhere(func: &Function, block: Block, insts: &[Inst]) -> FxHashSet<Inst> {
    let others = func.layout.blocks().filter(|&other| other != block);
    let values = others.flat_map(|other| func.layout.block_insts(other)).flat_map(|inst| func.dfg.inst_values(inst));
    let values: FxHashSet<Value> = values.collect();
    let is_used = |inst: &Inst| func.dfg.inst_results(*inst).iter().any(|value| values.contains(value));
    insts.iter().copied().filter(is_used).collect()
}

/// A value that the end of a block needs, and the one it takes the place of in the next turn.
struct End {
    value: Value,
    replaces: Option<Value>,
}

fn ends(func: &Function, end: Inst) -> Vec<End> {
    let operands = func.dfg.inst_args(end).iter().map(|&value| End { value, replaces: None });
    let mut ends: Vec<End> = operands.collect();
    for call in func.dfg.insts[end].branch_destination(&func.dfg.jump_tables, &func.dfg.exception_tables) {
        let params = func.dfg.block_params(call.block(&func.dfg.value_lists));
        let args = call.args(&func.dfg.value_lists).zip(params);
        ends.extend(args.filter_map(|(arg, &param)| Some(End { value: arg.as_value()?, replaces: Some(param) })));
    }
    ends
}

struct Order<'i> {
    insts: &'i [Inst],
    /// Values from outside the block that have been used.
    touched: FxHashSet<Value>,
    /// Whether an instruction may stand anywhere between its operands and its uses.
    moves: Vec<bool>,
    /// The instructions of the block that give each one its operands.
    needs: Vec<Vec<usize>>,
    index: FxHashMap<Inst, usize>,
    is_placed: Vec<bool>,
    placed: Vec<usize>,
}

impl<'i> Order<'i> {
    fn of(func: &Function, insts: &'i [Inst]) -> Order<'i> {
        let index: FxHashMap<Inst, usize> = insts.iter().enumerate().map(|(index, &inst)| (inst, index)).collect();
        let writes = insts.iter().any(|&inst| writes(func, inst));
        let mut order = Order {
            insts,
            touched: FxHashSet::default(),
            moves: insts.iter().map(|&inst| is_free(func, inst, writes)).collect(),
            needs: Vec::new(),
            index,
            is_placed: vec![false; insts.len()],
            placed: Vec::with_capacity(insts.len()),
        };
        for &inst in insts {
            let needs = func.dfg.inst_values(inst).filter_map(|value| order.maker(func, value)).collect();
            order.needs.push(needs);
        }
        order
    }

    /// The instruction of the block that makes a value.
    fn maker(&self, func: &Function, value: Value) -> Option<usize> {
        match func.dfg.value_def(value) {
            ValueDef::Result(inst, _) => self.index.get(&inst).copied(),
            ValueDef::Param(..) | ValueDef::Union(..) => None,
        }
    }

    /// What has yet to be placed for an instruction, operands first, and itself.
    fn missing(&self, root: usize) -> Vec<usize> {
        let mut seen = self.is_placed.clone();
        let mut missing = Vec::new();
        let mut open = vec![(root, 0)];
        while let Some((at, next)) = open.pop() {
            if seen[at] {
                continue;
            }
            match self.needs[at].get(next) {
                Some(&need) => {
                    open.push((at, next + 1));
                    open.push((need, 0));
                }
                None => {
                    seen[at] = true;
                    missing.push(at);
                }
            }
        }
        missing
    }

    /// The vectors from outside that an instruction and those it waits for are the first to use.
    fn enters<'f>(&'f self, func: &'f Function, index: usize) -> impl Iterator<Item = Value> + 'f {
        let outside = func.dfg.inst_values(self.insts[index]).filter(|&value| self.maker(func, value).is_none());
        outside.filter(|&value| func.dfg.value_type(value).is_vector() && !self.touched.contains(&value))
    }

    /// Whether others still need the value whose place a result takes, and the vectors and the instructions that the
    /// result takes more.
    fn cost(&self, func: &Function, (root, replaces): (usize, Option<Value>)) -> (bool, usize, usize) {
        let missing = self.missing(root);
        let vectors: FxHashSet<Value> = missing.iter().flat_map(|&index| self.enters(func, index)).collect();
        let needs = |index: &usize| {
            func.dfg.inst_values(self.insts[*index]).any(|value| Some(value) == replaces)
                && !self.is_placed[*index]
                && !missing.contains(index)
        };
        let in_use = (0..self.insts.len()).any(|index| needs(&index));
        (in_use, vectors.len(), missing.len())
    }

    fn place(&mut self, func: &Function, root: usize) {
        for index in self.missing(root) {
            let entering: Vec<Value> = self.enters(func, index).collect();
            self.touched.extend(entering);
            self.is_placed[index] = true;
            self.placed.push(index);
        }
    }
}

/// Whether an instruction may change memory.
fn writes(func: &Function, inst: Inst) -> bool {
    let opcode = func.dfg.insts[inst].opcode();
    opcode.can_store() || opcode.is_call() || opcode.other_side_effects()
}

/// Whether an instruction only computes a value: nothing it does depends on when it runs.
fn is_free(func: &Function, inst: Inst, memory_changes: bool) -> bool {
    let data = &func.dfg.insts[inst];
    let opcode = data.opcode();
    let jumps = opcode.is_branch() || opcode.is_terminator();
    let traps = opcode.can_trap() && opcode != Opcode::Load;
    let is_constant = || data.memflags_data(&func.dfg).is_some_and(|flags| flags.readonly());
    let depends = opcode.can_load() && memory_changes && !is_constant();
    !writes(func, inst) && !jumps && !traps && !depends
}
